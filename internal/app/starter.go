package app

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gatehouse/internal/git"
)

// Starter makes a bare repository with the smallest site that can be edited: a
// configuration for the CMS, and one post.
func Starter(ctx context.Context, dir, title string) (err error) {
	repo, err := git.Init(ctx, dir, "main")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, repo.Close()) }()
	now := time.Now()
	var edits []git.Edit
	for path, text := range starterFiles(title, now) {
		blob, err := repo.WriteBlob(ctx, []byte(text))
		if err != nil {
			return err
		}
		edits = append(edits, git.Edit{Path: path, Blob: blob})
	}
	tree, err := repo.WriteTree(ctx, "", edits)
	if err != nil {
		return err
	}
	who := git.Signature{Name: "Gatehouse", Email: "gatehouse@localhost", When: now}
	commit, err := repo.WriteCommit(ctx, git.CommitSpec{Tree: tree, Author: who, Committer: who, Message: "Begin the site\n"})
	if err != nil {
		return err
	}
	return repo.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/main", New: commit})
}

func starterFiles(title string, now time.Time) map[string]string {
	return map[string]string{
		"README.md": fmt.Sprintf("# %s\n\nPosts are in content/posts, pictures in static/uploads. The editor's forms are\ndescribed in static/admin/config.yml.\n", title),
		"static/admin/config.yml": `# The editor's forms. Where the content is kept is decided on the server.
backend:
  name: git-gateway
  branch: main
publish_mode: editorial_workflow
media_folder: static/uploads
public_folder: /uploads
collections:
  - name: posts
    label: Posts
    label_singular: Post
    folder: content/posts
    create: true
    slug: "{{year}}-{{month}}-{{day}}-{{slug}}"
    fields:
      - {name: title, label: Title, widget: string}
      - {name: date, label: Date, widget: datetime}
      - {name: image, label: Picture, widget: image, required: false}
      - {name: body, label: Text, widget: markdown}
`,
		"content/posts/" + now.Format(time.DateOnly) + "-welcome.md": fmt.Sprintf(`---
title: %s
date: %s
---

This is the first post. Open it in the editor, change it, and save: it becomes
a draft, and a commit when you publish it.
`, strconv.Quote("Welcome to "+title), now.UTC().Format("2006-01-02T15:04:05.000Z")),
	}
}
