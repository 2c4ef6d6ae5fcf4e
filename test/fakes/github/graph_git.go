package github

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
)

// maxText is where the GraphQL API cuts a blob's text off.
const maxText = 512 << 10

// refNamed is a ref by its full name, or a branch by its short one; nil when
// there is none.
func (s *Server) refNamed(c *call, r *repository, name string) (any, error) {
	if !strings.HasPrefix(name, "refs/") {
		name = "refs/heads/" + name
	}
	id, err := value(c.ctx(), r, name)
	if err != nil || id == "" {
		return nil, err
	}
	prefix := "refs/"
	if parts := strings.SplitN(name, "/", 3); len(parts) == 3 {
		prefix += parts[1] + "/"
	}
	return s.refObject(c, r, name, prefix, id), nil
}

func (s *Server) refObject(c *call, r *repository, name, prefix string, id git.ID) *object {
	return &object{"Ref", map[string]any{
		"id": node("REF", fmt.Sprint(r.id, ":", name)), "name": strings.TrimPrefix(name, prefix), "prefix": prefix,
		"target":     resolve(func(map[string]any) (any, error) { return s.commitObject(c.ctx(), r, id) }),
		"repository": resolve(func(map[string]any) (any, error) { return s.repoObject(c, r), nil }),
	}}
}

func (s *Server) refList(c *call, r *repository, args map[string]any) (any, error) {
	prefix := text(args, "refPrefix")
	if !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	refs, err := r.git.Refs(c.ctx(), prefix)
	if err != nil {
		return nil, err
	}
	var list []*object
	for _, ref := range refs {
		list = append(list, s.refObject(c, r, ref.Name, prefix, ref.ID))
	}
	return connection("Ref", list, args), nil
}

// gitObject is what an id, a ref or rev:path names; nil when there is nothing.
func (s *Server) gitObject(ctx context.Context, r *repository, expression string) (any, error) {
	name, path, below := strings.Cut(expression, ":")
	if !below {
		if hexID.MatchString(name) {
			if data, err := r.git.Blob(ctx, git.ID(name)); err == nil {
				return s.blobObject(r, git.ID(name), data), nil
			}
		}
		if id, err := commitOf(ctx, r, name); err == nil {
			return s.commitObject(ctx, r, id)
		}
	}
	path = strings.Trim(path, "/")
	if tree, err := treeOf(ctx, r, name+":"+path); err == nil {
		return s.treeObject(ctx, r, tree), nil
	}
	rev, err := commitOf(ctx, r, name)
	if err != nil || path == "" {
		return nil, nil //nolint:nilerr // what is not there is null
	}
	e, err := r.git.Stat(ctx, rev, path)
	if err != nil {
		return nil, nil //nolint:nilerr // what is not there is null
	}
	data, err := r.git.Blob(ctx, e.ID)
	if err != nil {
		return nil, err
	}
	return s.blobObject(r, e.ID, data), nil
}

func (s *Server) blobObject(r *repository, id git.ID, data []byte) *object {
	content, cut := any(nil), len(data) > maxText
	if isText(data) {
		content = strings.ToValidUTF8(string(data[:min(len(data), maxText)]), "")
	}
	return &object{"Blob", map[string]any{
		"id": node("B", fmt.Sprint(r.id, ":", id)), "oid": id, "text": content, "byteSize": len(data),
		"isBinary": !isText(data), "isTruncated": cut,
	}}
}

func (s *Server) treeObject(ctx context.Context, r *repository, id git.ID) *object {
	return &object{"Tree", map[string]any{
		"id": node("T", fmt.Sprint(r.id, ":", id)), "oid": id,
		"entries": resolve(func(map[string]any) (any, error) {
			list, err := entries(ctx, r, id, false)
			if err != nil {
				return nil, err
			}
			out := []*object{}
			for _, e := range list {
				mode, _ := strconv.ParseInt(e.mode, 8, 32)
				out = append(out, &object{"TreeEntry", map[string]any{
					"name": e.path, "oid": e.id, "type": e.kind, "mode": mode, "size": e.size,
					"object": resolve(func(map[string]any) (any, error) {
						if e.kind == "tree" {
							return s.treeObject(ctx, r, e.id), nil
						}
						return s.gitObject(ctx, r, string(e.id))
					}),
				}})
			}
			return out, nil
		}),
	}}
}

func (s *Server) actor(g git.Signature) *object {
	o := &object{"GitActor", map[string]any{
		"name": g.Name, "email": g.Email, "date": stamp(g.When), "avatarUrl": s.api("/avatars/0"), "user": (*object)(nil),
	}}
	var p fakes.Person
	var ok bool
	if p, ok = s.personBy(g.Email); ok {
		o.fields["user"] = resolve(func(map[string]any) (any, error) { return s.userObject(p.Login), nil })
		o.fields["avatarUrl"] = s.api("/avatars/%d", p.ID)
	}
	return o
}

func (s *Server) commitObject(ctx context.Context, r *repository, id git.ID) (any, error) {
	g, err := r.git.Commit(ctx, id)
	if err != nil {
		return nil, err
	}
	return s.commitOfHistory(ctx, r, g), nil
}

func (s *Server) commitOfHistory(ctx context.Context, r *repository, g git.Commit) *object {
	headline, _, _ := strings.Cut(message(g), "\n")
	none := resolve(func(args map[string]any) (any, error) { return connection("Check", []*object{}, args), nil })
	return &object{"Commit", map[string]any{
		"id": node("C", fmt.Sprint(r.id, ":", g.ID)), "oid": g.ID, "message": message(g), "messageHeadline": headline,
		"committedDate": stamp(g.Committer.When), "authoredDate": stamp(g.Author.When), "url": s.web("/%s/commit/%s", r.full(), g.ID),
		"author": s.actor(g.Author), "committer": s.actor(g.Committer),
		"tree":    s.treeObject(ctx, r, g.Tree),
		"history": resolve(func(args map[string]any) (any, error) { return s.history(ctx, r, g.ID, args) }),
		"file": resolve(func(args map[string]any) (any, error) {
			e, err := r.git.Stat(ctx, g.ID, text(args, "path"))
			if err != nil {
				return nil, nil //nolint:nilerr // what is not there is null
			}
			return &object{"TreeEntry", map[string]any{
				"oid": e.ID, "path": e.Path, "name": e.Path[strings.LastIndexByte(e.Path, '/')+1:],
				"object": resolve(func(map[string]any) (any, error) { return s.gitObject(ctx, r, string(e.ID)) }),
			}}, nil
		}),
		"status":      resolve(func(map[string]any) (any, error) { return s.statusObject(r, g.ID), nil }),
		"deployments": none, "checkSuites": none, "statusCheckRollup": (*object)(nil),
	}}
}

// history is the newest commits, of a path or all. The last change of a file is
// asked for hundreds of files at once, and comes from the engine's index.
func (s *Server) history(ctx context.Context, r *repository, id git.ID, args map[string]any) (any, error) {
	path := text(args, "path")
	n, ok := args["first"].(float64)
	if !ok || n < 1 || n > 100 {
		n = 100
	}
	if n == 1 && path != "" {
		last, err := r.git.LastCommits(ctx, id, []string{path})
		if err != nil {
			return nil, err
		}
		if g, ok := last[path]; ok {
			return connection("CommitHistory", []*object{s.commitOfHistory(ctx, r, g)}, args), nil
		}
	}
	log, err := r.git.Log(ctx, id, path, int(n))
	if err != nil {
		return nil, err
	}
	list := []*object{}
	for _, g := range log {
		list = append(list, s.commitOfHistory(ctx, r, g))
	}
	return connection("CommitHistory", list, args), nil
}

func (s *Server) statusObject(r *repository, id git.ID) *object {
	s.mu.RLock()
	list := r.latest(id)
	s.mu.RUnlock()
	if len(list) == 0 {
		return nil
	}
	contexts := []*object{}
	for _, st := range list {
		contexts = append(contexts, &object{"StatusContext", map[string]any{
			"id": node("SC", st.id), "context": st.context, "state": strings.ToUpper(st.state),
			"targetUrl": orNull(st.target), "description": orNull(st.text),
		}})
	}
	return &object{"Status", map[string]any{
		"id": node("ST", fmt.Sprint(r.id, ":", id)), "state": strings.ToUpper(combine(list)), "contexts": contexts,
	}}
}
