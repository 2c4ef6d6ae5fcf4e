package content_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// Fifty people save fifty different files at once, half of them as drafts. All
// of it lands, and nobody is told of a conflict that is none.
func TestFiftyEditorsOnFiftyFiles(t *testing.T) {
	const editors = 50
	w := newWorld(t, baseFiles())
	server := httptest.NewServer(w.mux)
	defer server.Close()
	var all sync.WaitGroup
	problems := make(chan string, editors)
	for n := range editors {
		all.Go(func() {
			body := fmt.Sprintf(`{"branch":"main","action":"persistEntry","params":{"dataFiles":[{"path":"content/posts/p%02d.md","slug":"p%02d","raw":"---\ntitle: P%d\n---\nText.\n"}],"assets":[],"options":{"newEntry":true,"commitMessage":"Create Post “p%02d”","collectionName":"posts","useWorkflow":%v,"status":"draft"}}}`, n, n, n, n, n%2 == 1)
			if status, answer := post(server.URL, "ada", body); status != http.StatusOK {
				problems <- fmt.Sprintf("editor %d: %d %s", n, status, answer)
			}
		})
	}
	all.Wait()
	close(problems)
	for p := range problems {
		t.Error(p)
	}
	var listed []struct{ Data string }
	w.must(json.Unmarshal([]byte(w.as("ada", 200, "entriesByFolder", `{"folder":"content/posts","extension":"md","depth":1}`)), &listed))
	if want := editors/2 + 2; len(listed) != want {
		t.Errorf("%d entries are published, want %d", len(listed), want)
	}
	var drafts []string
	w.must(json.Unmarshal([]byte(w.as("ada", 200, "unpublishedEntries", "")), &drafts))
	if len(drafts) != editors/2 {
		t.Errorf("%d drafts, want %d: %v", len(drafts), editors/2, drafts)
	}
	for n := range editors {
		if want := fmt.Sprintf("---\ntitle: P%d\n---\nText.\n", n); n%2 == 0 && w.file(fmt.Sprintf("content/posts/p%02d.md", n)) != want {
			t.Errorf("the file of editor %d is not what they saved", n)
		}
	}
}

// Twenty people save the same place of the same file, all with the version that
// they opened. One of them wins, and the others are told.
func TestTwentyEditorsOnOneLine(t *testing.T) {
	w := newWorld(t, baseFiles())
	var opened struct{ Base string }
	w.must(json.Unmarshal([]byte(w.as("ada", 200, "getEntry", `{"path":"data/site.yml"}`)), &opened))
	server := httptest.NewServer(w.mux)
	defer server.Close()
	var all sync.WaitGroup
	results := make(chan int, 20)
	for n := range 20 {
		all.Go(func() {
			body := fmt.Sprintf(`{"branch":"main","action":"persistEntry","params":{"dataFiles":[{"path":"data/site.yml","slug":"general","raw":"title: Number %d\n","base":%q}],"options":{"commitMessage":"m","collectionName":"settings","useWorkflow":false}}}`, n, opened.Base)
			status, _ := post(server.URL, "ada", body)
			results <- status
		})
	}
	all.Wait()
	close(results)
	count := map[int]int{}
	for status := range results {
		count[status]++
	}
	if count[200] != 1 || count[409] != 19 {
		t.Errorf("answers: %v, want one 200 and nineteen 409", count)
	}
	if got := w.file("data/site.yml"); !strings.HasPrefix(got, "title: Number ") {
		t.Errorf("the file is %q", got)
	}
}

// post sends a request over the network as somebody; a failure to do so is
// status 0.
func post(server, who, body string) (int, string) {
	r, err := http.NewRequest(http.MethodPost, server+"/api/v1", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	r.Header.Set("X-Test-Person", who)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(answer)
}
