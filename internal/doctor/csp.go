package doctor

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// policy is one Content-Security-Policy, as far as loading goes.
type policy struct {
	names   []string // of directives, in order
	sources map[string][]string
}

// need is something that a directive must allow: a URL, or a source as it is.
type need struct {
	directive string
	url       *url.URL
	source    string // 'unsafe-eval', blob:
}

// parsePolicies reads the policies of headers and of meta elements. Each of
// them counts.
func parsePolicies(headers, meta []string) []policy {
	var out []policy
	for _, h := range headers {
		for _, text := range strings.Split(h, ",") {
			out = appendPolicy(out, text)
		}
	}
	for _, text := range meta {
		out = appendPolicy(out, text)
	}
	return out
}

func appendPolicy(list []policy, text string) []policy {
	p := policy{sources: map[string][]string{}}
	for _, d := range strings.Split(text, ";") {
		words := strings.Fields(d)
		if len(words) == 0 {
			continue
		}
		name := strings.ToLower(words[0])
		if _, twice := p.sources[name]; twice {
			continue // browsers take the first
		}
		p.names = append(p.names, name)
		p.sources[name] = words[1:]
	}
	if len(p.names) == 0 || len(list) >= 20 {
		return list
	}
	return append(list, p)
}

// fallbacks are the directives that stand in for one that is not there, in
// turn.
func fallbacks(directive string) []string {
	switch directive {
	case "script-src":
		return []string{"script-src-elem", "script-src", "default-src"}
	case "style-src":
		return []string{"style-src-elem", "style-src", "default-src"}
	case "frame-src":
		return []string{"frame-src", "child-src", "default-src"}
	}
	return []string{directive, "default-src"}
}

// governing is the directive that decides; empty: everything is allowed.
func (p policy) governing(n need) string {
	for _, name := range fallbacks(n.directive) {
		if n.source == "'unsafe-eval'" && name == "script-src-elem" {
			continue // it is about elements alone
		}
		if _, ok := p.sources[name]; ok {
			return name
		}
	}
	return ""
}

func (p policy) allows(n need, page *url.URL) bool {
	name := p.governing(n)
	if name == "" {
		return true
	}
	list := p.sources[name]
	if n.source != "" {
		return keyword(list, n.source)
	}
	if n.directive == "script-src" && guarded(list) {
		return true // the page's own nonces decide, and they may well be right
	}
	return slices.ContainsFunc(list, func(s string) bool { return sourceMatches(strings.ToLower(s), n.url, page) })
}

// keyword reports whether a list has a keyword or scheme in force.
func keyword(list []string, word string) bool {
	if word == "'unsafe-inline'" && slices.ContainsFunc(list, isHash) {
		return false // a nonce or hash puts it out of force
	}
	return slices.ContainsFunc(list, func(s string) bool { return strings.EqualFold(s, word) })
}

// guarded reports whether scripts are let in by nonces or hashes.
func guarded(list []string) bool { return slices.ContainsFunc(list, isHash) }

func isHash(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "'nonce-") || strings.HasPrefix(s, "'sha256-") || strings.HasPrefix(s, "'sha384-") || strings.HasPrefix(s, "'sha512-")
}

// sourceMatches reports whether a source in lower case admits a URL.
func sourceMatches(source string, u, page *url.URL) bool {
	switch source {
	case "*":
		return u.Scheme == "http" || u.Scheme == "https"
	case "'self'":
		return originOf(u) == originOf(page)
	}
	if scheme, ok := strings.CutSuffix(source, ":"); ok {
		return scheme == u.Scheme || scheme == "http" && u.Scheme == "https"
	}
	if strings.HasPrefix(source, "'") {
		return false
	}
	scheme, rest, hasScheme := strings.Cut(source, "://")
	if !hasScheme {
		scheme, rest = page.Scheme, source
	}
	if scheme != u.Scheme && (scheme != "http" || u.Scheme != "https") {
		return false
	}
	host, path, hasPath := strings.Cut(rest, "/")
	if hasPath && !pathMatches("/"+path, u.EscapedPath()) {
		return false
	}
	return hostMatches(host, u)
}

func hostMatches(host string, u *url.URL) bool {
	port := ""
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host, port = host[:i], host[i+1:]
	}
	usual := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	own := cmp.Or(u.Port(), usual)
	if port = cmp.Or(port, usual); port != "*" && port != own && (port != "80" || own != "443") {
		return false
	}
	name := strings.ToLower(u.Hostname())
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if tail, ok := strings.CutPrefix(host, "*"); ok && strings.HasPrefix(tail, ".") {
		return strings.HasSuffix(name, tail)
	}
	return host == name || host == "*"
}

func pathMatches(pattern, path string) bool {
	if path == "" {
		path = "/"
	}
	if strings.HasSuffix(pattern, "/") {
		return strings.HasPrefix(path, pattern)
	}
	return strings.EqualFold(pattern, path)
}

// text is the source that a need is met with.
func (n need) text(page *url.URL) string {
	switch {
	case n.source != "":
		return n.source
	case originOf(n.url) == originOf(page):
		return "'self'"
	}
	return originOf(n.url)
}

// with is the policy with what is missing added.
func (p policy) with(missing []need, page *url.URL) string {
	names := slices.Clone(p.names)
	lists := map[string][]string{}
	for _, name := range names {
		lists[name] = slices.Clone(p.sources[name])
	}
	for _, n := range missing {
		name := p.governing(n)
		if name == "default-src" { // say it for this one kind alone
			name = n.directive
		}
		if _, ok := lists[name]; !ok {
			names = append(names, name)
			lists[name] = slices.Clone(p.sources["default-src"])
		}
		list := slices.DeleteFunc(lists[name], func(s string) bool {
			return strings.EqualFold(s, "'none'") || n.source == "'unsafe-inline'" && isHash(s)
		})
		if s := n.text(page); !slices.Contains(list, s) {
			list = append(list, s)
		}
		lists[name] = list
	}
	lines := make([]string, len(names))
	for i, name := range names {
		lines[i] = strings.Join(append([]string{name}, lists[name]...), " ")
	}
	return strings.Join(lines, "; ")
}

// describe lists what is missing: "connect-src https://api.github.com".
func describe(missing []need, page *url.URL) string {
	var parts []string
	for _, n := range missing {
		if s := n.directive + " " + n.text(page); !slices.Contains(parts, s) {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, ", ")
}
