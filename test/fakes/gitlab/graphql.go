package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gatehouse/internal/git"
	"gatehouse/test/fakes"
	"gatehouse/test/fakes/bare"
)

// What the queries of the content managers are told apart by. They send a few
// fixed documents; this is no GraphQL engine, and answers more fields than a
// query may ask for.
var (
	asksRoot   = regexp.MustCompile(`\brootRef\b`)
	asksList   = regexp.MustCompile(`\bblobs\s*\(\s*after\s*:`)
	asksBlobs  = regexp.MustCompile(`\bblobs\s*\(\s*ref\s*:`)
	asksCommit = regexp.MustCompile(`(?:\b(\w+)\s*:\s*)?\btree\s*\(\s*ref\s*:\s*\$\w+\s*(?:,?\s*path\s*:\s*"([^"]*)"\s*)?\)\s*\{\s*lastCommit\b`)
	asksDeep   = regexp.MustCompile(`\brecursive\s*:\s*true\b`)
)

const graphPage = 100

// graph answers POST /api/graphql.
func (s *Server) graph(c *call) error {
	var in struct {
		Query     string `json:"query"`
		Variables struct {
			FullPath, Repo, Branch, Path, Cursor string
			Recursive                            bool
			Paths                                []string
		} `json:"variables"`
	}
	if err := json.NewDecoder(c.r.Body).Decode(&in); err != nil || in.Query == "" {
		return &problem{http.StatusBadRequest, graphErrors("The request has no query.")}
	}
	v := in.Variables
	repo, ok := s.Repos.Find(v.FullPath + v.Repo)
	if !ok || repo.Right(c.token.Person.Login) < bare.Read {
		return c.json(http.StatusOK, doc{"data": doc{"project": nil}})
	}
	c.repo = repo
	if v.Branch == "" {
		v.Branch = repo.Branch
	}
	rev, err := repo.Head(c.r.Context(), v.Branch)
	var body any
	switch {
	case asksRoot.MatchString(in.Query):
		body = doc{"rootRef": repo.Branch}
		err = nil
	case asksBlobs.MatchString(in.Query):
		if len(v.Paths) > graphPage {
			return c.json(http.StatusOK, graphErrors("The query asks for more than 100 blobs."))
		}
		if err == nil {
			body, err = blobs(c.r.Context(), repo, rev, v.Paths)
		}
	case asksList.MatchString(in.Query):
		if err == nil {
			body, err = list(c.r.Context(), repo, rev, v.Path, v.Recursive || asksDeep.MatchString(in.Query), v.Cursor)
		}
	case asksCommit.MatchString(in.Query):
		if err != nil {
			body, err = noCommits(in.Query), nil
		} else {
			body, err = s.lastCommits(c, rev, in.Query)
		}
	default:
		return c.json(http.StatusOK, graphErrors("This practice host does not know this query."))
	}
	if err != nil {
		return c.json(http.StatusOK, graphErrors("The branch cannot be read."))
	}
	return c.json(http.StatusOK, doc{"data": doc{"project": doc{"__typename": "Project", "repository": body}}})
}

func graphErrors(message string) doc {
	return doc{"errors": []doc{{"message": message}}}
}

// blobs are files by path, in the order asked for; what is missing is left out.
func blobs(ctx context.Context, r *bare.Repository, rev git.ID, paths []string) (any, error) {
	there, err := r.Git.StatAll(ctx, rev, paths)
	if err != nil {
		return nil, err
	}
	nodes := []doc{}
	for _, p := range paths {
		entry, ok := there[p]
		if !ok || entry.Mode == git.ModeDir {
			continue
		}
		data, err := r.Git.Blob(ctx, entry.ID)
		if err != nil {
			return nil, err
		}
		var text any
		if utf8.Valid(data) && !strings.ContainsRune(string(data), 0) {
			text = string(data)
		}
		nodes = append(nodes, doc{
			"__typename": "RepositoryBlob", "id": entry.ID, "oid": entry.ID, "path": p, "name": path.Base(p),
			"size": strconv.Itoa(len(data)), "rawTextBlob": text, "rawBlob": text, "data": text,
		})
	}
	return doc{"blobs": doc{"nodes": nodes}}, nil
}

// list is the files of a folder, a hundred at a time; the cursor is how many
// came before.
func list(ctx context.Context, r *bare.Repository, rev git.ID, dir string, deep bool, cursor string) (any, error) {
	depth := 1
	if deep {
		depth = 0
	}
	files, err := r.Git.Tree(ctx, rev, strings.Trim(dir, "/"), depth)
	if err != nil {
		return nil, err
	}
	from := min(max(atoi(cursor, 0), 0), len(files))
	to := min(from+graphPage, len(files))
	nodes := []doc{}
	for _, f := range files[from:to] {
		nodes = append(nodes, doc{
			"__typename": "Blob", "type": "blob", "id": f.ID, "sha": f.ID, "path": f.Path, "name": path.Base(f.Path),
			"mode": fmt.Sprintf("%06o", f.Mode),
		})
	}
	return doc{"tree": doc{"blobs": doc{
		"nodes":    nodes,
		"pageInfo": doc{"endCursor": strconv.Itoa(to), "hasNextPage": to < len(files)},
	}}}, nil
}

func alias(match []string) string {
	if match[1] != "" {
		return match[1]
	}
	return "tree"
}

func noCommits(query string) doc {
	d := doc{}
	for _, match := range asksCommit.FindAllStringSubmatch(query, -1) {
		d[alias(match)] = nil
	}
	return d
}

// lastCommits answers the commits that last changed some paths, or the branch.
func (s *Server) lastCommits(c *call, rev git.ID, query string) (any, error) {
	d := doc{}
	for _, match := range asksCommit.FindAllStringSubmatch(query, -1) {
		log, err := c.repo.Git.Log(c.r.Context(), rev, strings.Trim(match[2], "/"), 1)
		if err != nil {
			return nil, err
		}
		if len(log) == 0 {
			d[alias(match)] = doc{"lastCommit": nil}
			continue
		}
		m := log[0]
		d[alias(match)] = doc{"__typename": "Tree", "lastCommit": doc{
			"__typename": "Commit", "id": "gid://gitlab/CommitPresenter/" + string(m.ID), "sha": m.ID, "message": m.Message,
			"authorName": m.Author.Name, "authoredDate": stamp(m.Author.When), "author": s.author(m.Author),
		}}
	}
	return d, nil
}

// author is the account of a commit's author, or null.
func (s *Server) author(by git.Signature) any {
	for _, p := range s.OAuth.People() {
		if by.Email != "" && strings.EqualFold(p.Email, by.Email) {
			return person(p)
		}
	}
	return nil
}

func person(p fakes.Person) doc {
	return doc{
		"__typename": "UserCore", "id": "gid://gitlab/User/" + strconv.FormatInt(p.ID, 10),
		"username": p.Login, "name": p.Name, "publicEmail": p.Email,
	}
}
