package github

import (
	"errors"
	"fmt"
	"net/http"
	"slices"

	"gatehouse/internal/fault"
)

// maxSteps bounds the fields that one GraphQL request may ask for.
const maxSteps = 200000

// object is a value that fields can be asked of. A field is a scalar, an
// *object, a []*object, or a resolve that makes one of these.
type object struct {
	kind   string
	fields map[string]any
}

type resolve func(args map[string]any) (any, error)

// graphError is an error that leaves the other fields be.
type graphError struct{ kind, message string }

func (e *graphError) Error() string { return e.message }

// run is one GraphQL request being answered.
type graphRun struct {
	doc    document
	vars   map[string]any
	errors []any
	steps  int
}

func (s *Server) mountGraph() {
	s.handle("POST /graphql", s.graph)
}

func (s *Server) graph(c *call) error {
	if c.who == nil {
		return &problem{Status: http.StatusUnauthorized, Message: "This endpoint requires you to be authenticated."}
	}
	var in struct {
		Query     string         `json:"query"`
		Variables map[string]any `json:"variables"`
		Operation string         `json:"operationName"`
	}
	if err := c.body(&in); err != nil {
		return err
	}
	d, err := parseDocument(in.Query)
	if err != nil {
		return c.reply(http.StatusOK, doc{"errors": []any{doc{"message": err.Error()}}})
	}
	op, err := d.operation(in.Operation)
	if err != nil {
		return c.reply(http.StatusOK, doc{"errors": []any{doc{"message": err.Error()}}})
	}
	g := &graphRun{doc: d, vars: map[string]any{}}
	for name, v := range op.defaults {
		g.vars[name] = v
	}
	for name, v := range in.Variables {
		g.vars[name] = v
	}
	root := s.queries(c)
	if op.kind == "mutation" {
		root = s.mutations(c)
	}
	data, err := g.object(root, op.set, nil)
	if err != nil { // nothing can be answered
		return c.reply(http.StatusOK, doc{"errors": []any{doc{"message": err.Error()}}})
	}
	answer := doc{"data": data}
	if len(g.errors) > 0 {
		answer["errors"] = g.errors
	}
	return c.reply(http.StatusOK, answer)
}

func (d document) operation(name string) (operation, error) {
	for _, op := range d.operations {
		if name == "" && len(d.operations) == 1 || name != "" && op.name == name {
			return op, nil
		}
	}
	if name != "" {
		return operation{}, fmt.Errorf("No operation named %q", name) //nolint:staticcheck // the original's words
	}
	return operation{}, errors.New("An operation name is required") //nolint:staticcheck // the original's words
}

// object answers what a set selects of an object. An error ends the request.
func (g *graphRun) object(o *object, set []selection, path []any) (doc, error) {
	out := doc{}
	return out, g.into(out, o, set, path)
}

func (g *graphRun) into(out doc, o *object, set []selection, path []any) error {
	if len(path) > maxNesting {
		return errors.New("the request is nested too deeply")
	}
	for _, s := range set {
		if g.steps++; g.steps > maxSteps {
			return errors.New("the request asks for too much")
		}
		var err error
		switch {
		case s.spread != "":
			f, ok := g.doc.fragments[s.spread]
			if !ok {
				return fmt.Errorf("fragment %s is not defined", s.spread)
			}
			if is(o.kind, f.on) {
				err = g.into(out, o, f.set, append(slices.Clip(path), s.spread))
			}
		case s.inline:
			if is(o.kind, s.on) {
				err = g.into(out, o, s.set, append(slices.Clip(path), s.on))
			}
		default:
			err = g.field(out, o, s, append(slices.Clip(path), s.key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// is reports whether an object of a kind is of a type, which may be an interface.
func is(kind, wanted string) bool {
	switch wanted {
	case "", kind, "Node":
		return true
	case "GitObject":
		return kind == "Commit" || kind == "Blob" || kind == "Tree"
	case "Actor", "RepositoryOwner":
		return kind == "User" || kind == "Organization" //nolint:misspell // the host's spelling
	}
	return false
}

func (g *graphRun) field(out doc, o *object, s selection, path []any) error {
	if s.name == "__typename" {
		out[s.key] = o.kind
		return nil
	}
	v, ok := o.fields[s.name]
	if !ok {
		return fmt.Errorf("Field '%s' doesn't exist on type '%s'", s.name, o.kind) //nolint:staticcheck // the original's words
	}
	if r, ok := v.(resolve); ok {
		args := map[string]any{}
		for name, a := range s.args {
			args[name] = g.fill(a)
		}
		var err error
		if v, err = r(args); err != nil {
			g.fail(err, path)
			out[s.key] = nil
			return nil
		}
	}
	answer, err := g.value(v, s, path)
	if err != nil {
		return err
	}
	// The same key twice asks for more of the same object.
	if had, ok := out[s.key].(doc); ok {
		if more, ok := answer.(doc); ok {
			for k, v := range more {
				had[k] = v
			}
			return nil
		}
	}
	out[s.key] = answer
	return nil
}

func (g *graphRun) value(v any, s selection, path []any) (any, error) {
	switch v := v.(type) {
	case *object:
		if v == nil {
			return nil, nil
		}
		return g.object(v, s.set, path)
	case []*object:
		list := []any{}
		for i, o := range v {
			d, err := g.object(o, s.set, append(slices.Clip(path), i))
			if err != nil {
				return nil, err
			}
			list = append(list, d)
		}
		return list, nil
	}
	return v, nil
}

// fill puts the values of variables into arguments.
func (g *graphRun) fill(a any) any {
	switch a := a.(type) {
	case variable:
		return g.vars[string(a)]
	case []any:
		list := make([]any, len(a))
		for i, v := range a {
			list[i] = g.fill(v)
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for k, v := range a {
			m[k] = g.fill(v)
		}
		return m
	}
	return a
}

func (g *graphRun) fail(err error, path []any) {
	kind, text := "INTERNAL", "Something went wrong while executing your query."
	var ge *graphError
	var p *problem
	switch {
	case errors.As(err, &ge):
		kind, text = ge.kind, ge.message
	case errors.As(err, &p):
		kind, text = kinds(p.Status), p.Message
	case fault.Is(err, fault.NotFound):
		kind, text = "NOT_FOUND", "Could not resolve to a node."
	case !fault.Is(err, fault.Internal):
		kind, text = "UNPROCESSABLE", fault.Message(err)
	}
	g.errors = append(g.errors, doc{"type": kind, "path": path, "message": text})
}

func kinds(status int) string {
	switch status {
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusForbidden, http.StatusUnauthorized:
		return "FORBIDDEN"
	}
	return "UNPROCESSABLE"
}

// The arguments that resolvers read.

func text(args map[string]any, name string) string {
	v, _ := args[name].(string)
	return v
}

func texts(args map[string]any, name string) []string {
	list, ok := args[name].([]any)
	if !ok {
		if one := text(args, name); one != "" {
			return []string{one}
		}
		return nil
	}
	var out []string
	for _, v := range list {
		one, _ := v.(string)
		out = append(out, one)
	}
	return out
}

func inner(args map[string]any, name string) map[string]any {
	m, _ := args[name].(map[string]any)
	return m
}

// connection is the first or last of a list, as args say.
func connection(kind string, all []*object, args map[string]any) *object {
	total := len(all)
	if n, ok := args["first"].(float64); ok {
		all = all[:min(max(0, int(n)), len(all))]
	}
	if n, ok := args["last"].(float64); ok {
		all = all[len(all)-min(max(0, int(n)), len(all)):]
	}
	return &object{kind + "Connection", map[string]any{
		"nodes": all, "totalCount": total,
		"pageInfo": &object{"PageInfo", map[string]any{"hasNextPage": len(all) < total, "hasPreviousPage": false, "endCursor": nil, "startCursor": nil}},
	}}
}
