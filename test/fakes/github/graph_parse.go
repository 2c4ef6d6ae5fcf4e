package github

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNesting bounds how deep a GraphQL document goes.
const maxNesting = 40

// document is a parsed GraphQL request document.
type document struct {
	operations []operation
	fragments  map[string]selection // name → its type in on, and its set
}

type operation struct {
	kind, name string // kind: query or mutation
	defaults   map[string]any
	set        []selection
}

// selection is a field, a spread of a named fragment, or an inline fragment.
type selection struct {
	name   string // of the field; "" for fragments
	key    string // in the answer: the alias, or the name
	args   map[string]any
	spread string // name of a fragment
	on     string // type of an inline fragment; may be empty
	inline bool
	set    []selection
}

// variable stands for the value of one in arguments.
type variable string

var errSyntax = errors.New("Parse error") //nolint:staticcheck // shown to callers as the original words it

// parser reads one document. It stops at the first error.
type parser struct {
	text string
	at   int
	tok  string // the token at hand: a name, a number, a string with its quotes, or punctuation
	deep int
}

// parseDocument reads the GraphQL that browsers send: operations, variables with
// defaults, arguments, aliases and fragments. Directives are refused.
func parseDocument(text string) (document, error) {
	p := &parser{text: text}
	d := document{fragments: map[string]selection{}}
	if err := p.next(); err != nil {
		return d, err
	}
	for p.tok != "" {
		switch p.tok {
		case "fragment":
			name, f, err := p.fragment()
			if err != nil {
				return d, err
			}
			d.fragments[name] = f
		case "{", "query", "mutation":
			op, err := p.operation()
			if err != nil {
				return d, err
			}
			d.operations = append(d.operations, op)
		default:
			return d, p.wrong()
		}
	}
	return d, nil
}

func (p *parser) wrong() error { return fmt.Errorf("%w on %q", errSyntax, p.tok) }

// next reads the next token; at the end it is empty.
func (p *parser) next() error {
	for p.at < len(p.text) {
		switch ch := p.text[p.at]; {
		case strings.IndexByte(" \t\r\n,\ufeff", ch) >= 0:
			p.at++
		case ch == '#':
			end := strings.IndexByte(p.text[p.at:], '\n')
			if end < 0 {
				end = len(p.text) - p.at
			}
			p.at += end
		default:
			return p.token(ch)
		}
	}
	p.tok = ""
	return nil
}

func (p *parser) token(ch byte) error {
	start := p.at
	switch {
	case isName(ch) || ch == '-':
		for p.at++; p.at < len(p.text) && (isName(p.text[p.at]) || strings.IndexByte(".+-", p.text[p.at]) >= 0 && isNumber(ch)); p.at++ {
		}
	case ch == '"':
		for p.at++; ; p.at++ {
			if p.at >= len(p.text) || p.text[p.at] == '\n' {
				return fmt.Errorf("%w: a string has no end", errSyntax)
			}
			if p.text[p.at] == '\\' {
				p.at++
			} else if p.text[p.at] == '"' {
				break
			}
		}
		p.at++
	case strings.HasPrefix(p.text[p.at:], "..."):
		p.at += 3
	case strings.IndexByte("{}()[]:$!=|@&", ch) >= 0:
		p.at++
	default:
		return fmt.Errorf("%w on %q", errSyntax, string(ch))
	}
	p.at = min(p.at, len(p.text))
	p.tok = p.text[start:p.at]
	return nil
}

func isName(ch byte) bool {
	return ch == '_' || ch >= '0' && ch <= '9' || ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z'
}

func isNumber(ch byte) bool { return ch == '-' || ch >= '0' && ch <= '9' }

// take wants a token, and goes on.
func (p *parser) take(tok string) error {
	if p.tok != tok {
		return p.wrong()
	}
	return p.next()
}

// name wants a name, and goes on.
func (p *parser) name() (string, error) {
	name := p.tok
	if name == "" || !isName(name[0]) || isNumber(name[0]) {
		return "", p.wrong()
	}
	return name, p.next()
}

func (p *parser) fragment() (name string, f selection, err error) {
	if err = p.next(); err != nil {
		return "", f, err
	}
	if name, err = p.name(); err != nil {
		return "", f, err
	}
	if err = p.take("on"); err != nil {
		return "", f, err
	}
	if f.on, err = p.name(); err != nil {
		return "", f, err
	}
	f.set, err = p.set()
	return name, f, err
}

func (p *parser) operation() (op operation, err error) {
	op.kind, op.defaults = "query", map[string]any{}
	if p.tok != "{" {
		if op.kind, err = p.name(); err != nil {
			return op, err
		}
		if p.tok != "{" && p.tok != "(" {
			if op.name, err = p.name(); err != nil {
				return op, err
			}
		}
		if p.tok == "(" {
			if err = p.variables(op.defaults); err != nil {
				return op, err
			}
		}
	}
	op.set, err = p.set()
	return op, err
}

// variables reads ($a: [T!]! = default …). Types are not looked at.
func (p *parser) variables(defaults map[string]any) error {
	if err := p.next(); err != nil {
		return err
	}
	for p.tok != ")" {
		if err := p.take("$"); err != nil {
			return err
		}
		name, err := p.name()
		if err != nil {
			return err
		}
		if err := p.take(":"); err != nil {
			return err
		}
		for p.tok != "$" && p.tok != ")" && p.tok != "=" {
			if p.tok == "" || strings.Contains("{}(:@", p.tok) {
				return p.wrong()
			}
			if err := p.next(); err != nil {
				return err
			}
		}
		if p.tok == "=" {
			if err := p.next(); err != nil {
				return err
			}
			if defaults[name], err = p.value(); err != nil {
				return err
			}
		}
	}
	return p.next()
}

func (p *parser) set() ([]selection, error) {
	if p.deep++; p.deep > maxNesting {
		return nil, fmt.Errorf("%w: the document is nested too deeply", errSyntax)
	}
	defer func() { p.deep-- }()
	if err := p.take("{"); err != nil {
		return nil, err
	}
	var set []selection
	for p.tok != "}" {
		s, err := p.selection()
		if err != nil {
			return nil, err
		}
		set = append(set, s)
	}
	if len(set) == 0 {
		return nil, p.wrong()
	}
	return set, p.next()
}

func (p *parser) selection() (s selection, err error) {
	if p.tok == "..." {
		if err = p.next(); err != nil {
			return s, err
		}
		if p.tok != "on" && p.tok != "{" {
			s.spread, err = p.name()
			return s, err
		}
		s.inline = true
		if p.tok == "on" {
			if err = p.next(); err != nil {
				return s, err
			}
			if s.on, err = p.name(); err != nil {
				return s, err
			}
		}
		s.set, err = p.set()
		return s, err
	}
	if s.name, err = p.name(); err != nil {
		return s, err
	}
	s.key = s.name
	if p.tok == ":" {
		if err = p.next(); err != nil {
			return s, err
		}
		if s.name, err = p.name(); err != nil {
			return s, err
		}
	}
	if p.tok == "(" {
		if s.args, err = p.pairs(")"); err != nil {
			return s, err
		}
	}
	if p.tok == "{" {
		s.set, err = p.set()
	}
	return s, err
}

// pairs reads name: value up to the end token, of arguments or of an object.
func (p *parser) pairs(end string) (map[string]any, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	pairs := map[string]any{}
	for p.tok != end {
		name, err := p.name()
		if err != nil {
			return nil, err
		}
		if err := p.take(":"); err != nil {
			return nil, err
		}
		if pairs[name], err = p.value(); err != nil {
			return nil, err
		}
	}
	return pairs, p.next()
}

// value reads a literal. Names that are no literals are enum values: strings.
func (p *parser) value() (any, error) {
	if p.deep++; p.deep > maxNesting {
		return nil, fmt.Errorf("%w: the document is nested too deeply", errSyntax)
	}
	defer func() { p.deep-- }()
	switch p.tok {
	case "":
		return nil, p.wrong()
	case "$":
		if err := p.next(); err != nil {
			return nil, err
		}
		name, err := p.name()
		return variable(name), err
	case "[":
		return p.values()
	case "{":
		return p.pairs("}")
	}
	if p.tok[0] == '"' {
		var text string
		if err := json.Unmarshal([]byte(p.tok), &text); err != nil {
			return nil, p.wrong()
		}
		return text, p.next()
	}
	if isNumber(p.tok[0]) {
		n, err := strconv.ParseFloat(p.tok, 64)
		if err != nil {
			return nil, p.wrong()
		}
		return n, p.next()
	}
	name, err := p.name()
	switch name {
	case "true", "false":
		return name == "true", err
	case "null":
		return nil, err
	}
	return name, err
}

func (p *parser) values() (any, error) {
	if err := p.next(); err != nil {
		return nil, err
	}
	list := []any{}
	for p.tok != "]" {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, p.next()
}
