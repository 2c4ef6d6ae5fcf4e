package content_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"gatehouse/internal/git"
	"gatehouse/internal/host"
	"gatehouse/internal/host/local"
)

// push makes a draft of one file, the way a colleague with Git would.
func (w *world) push(slug, path, text string) {
	w.t.Helper()
	ctx := w.t.Context()
	head, err := w.repo.Resolve(ctx, "refs/heads/main")
	w.must(err)
	blob, err := w.repo.WriteBlob(ctx, []byte(text))
	w.must(err)
	tree, err := w.repo.WriteTree(ctx, head, []git.Edit{{Path: path, Blob: blob}})
	w.must(err)
	who := git.Signature{Name: "Gus Git", Email: "gus@example.org", When: start}
	id, err := w.repo.WriteCommit(ctx, git.CommitSpec{Tree: tree, Parents: []git.ID{head}, Author: who, Committer: who, Message: "By hand"})
	w.must(err)
	w.must(w.repo.UpdateRefs(ctx, git.RefUpdate{Name: "refs/heads/cms/posts/" + slug, New: id}))
	_, err = (&local.Host{Git: w.repo, Now: clock}).Open(ctx, host.NewChangeRequest{Title: slug, Head: "cms/posts/" + slug, Base: "main", Status: host.Draft, LabelPrefix: "decap-cms/"})
	w.must(err)
}

// JSON has no bytes but UTF-8: others were replaced on the board, whose text an
// editor may save back.
func TestTheBoardHasNoTextsThatItWouldDamage(t *testing.T) {
	w := newWorld(t, baseFiles())
	w.push("latin", "content/posts/latin.md", "---\ntitle: Caf\xe9\n---\n")
	w.push("plain", "content/posts/plain.md", "---\ntitle: Café\n---\n")
	answer := w.as("ed", 200, "drafts", "")
	if strings.Contains(answer, "Caf\uFFFD") || strings.Contains(answer, `Caf\ufffd`) {
		t.Errorf("a damaged text: %s", answer)
	}
	if !strings.Contains(answer, "Café") || !strings.Contains(answer, `"latin"`) {
		t.Errorf("something is missing: %s", answer)
	}
	w.as("ed", 422, "unpublishedEntryDataFile", `{"collection":"posts","slug":"latin","path":"content/posts/latin.md"}`)
}

// A large file was held three times over to be answered as base64.
func TestALargeFileIsAnsweredWhole(t *testing.T) {
	w := newWorld(t, baseFiles())
	large := strings.Repeat("\x00\xffabc", 1<<19)
	w.commit(map[string]string{"static/media/large.mov": large, "static/media/none.png": ""})
	var all []struct{ Name, Content, Encoding string }
	w.must(json.Unmarshal([]byte(w.as("rita", 200, "getMedia", `{"mediaFolder":"static/media"}`)), &all))
	if len(all) != 3 {
		t.Fatalf("%d files", len(all))
	}
	for _, f := range all {
		data, err := base64.StdEncoding.DecodeString(f.Content)
		if want := map[string]string{"large.mov": large, "none.png": "", "logo.png": baseFiles()["static/media/logo.png"]}[f.Name]; err != nil || string(data) != want || f.Encoding != "base64" {
			t.Errorf("%s has %d bytes, %v", f.Name, len(data), err)
		}
	}
}

func TestACommitMessageHasItsBounds(t *testing.T) {
	w := newWorld(t, baseFiles())
	message := strings.Repeat("x", 1<<20)
	w.who = "pete"
	for action, params := range map[string]string{
		"persistEntry": `{"dataFiles":[{"path":"content/posts/n.md","slug":"n","raw":"x"}],"options":{"collectionName":"posts","commitMessage":"`,
		"persistMedia": `{"asset":{"path":"static/media/n.png","content":"eA==","encoding":"base64"},"options":{"commitMessage":"`,
		"deleteFile":   `{"path":"content/posts/first.md","options":{"commitMessage":"`,
	} {
		if status, answer := w.call(action, params+message+`"}}`); status != 422 {
			t.Errorf("%s: %d %.200s", action, status, answer)
		}
	}
}
