package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestNothingIsWrongWithAHealthySite(t *testing.T) {
	for name, change := range map[string]func(r *rig){
		"as it is":              func(*rig) {},
		"by the root":           func(r *rig) { r.url = "www.example.com" },
		"with gatehouse.yaml":   func(r *rig) { r.withSettings() },
		"without site_domain":   func(r *rig) { r.config = edited(t, "  site_domain: www.example.com\n", "") },
		"with a trailing slash": func(r *rig) { r.config = edited(t, "auth.example.com\n", "auth.example.com/\n") },
		"by the default path":   func(r *rig) { r.config = edited(t, "  auth_endpoint: auth\n", "") },
		"Netlify CMS": func(r *rig) {
			r.html = strings.Replace(goodPage, "decap-cms@3.16.3/dist/decap-cms.js", "netlify-cms@^2.0.0/dist/netlify-cms.js", 1)
		},
		"Sveltia CMS and GitLab by its own path": func(r *rig) {
			r.html = strings.Replace(goodPage, "decap-cms@3.16.3/dist/decap-cms.js", "@sveltia/cms/dist/sveltia-cms.js", 1)
			r.site.Backend.Kind = "gitlab"
			r.config = edited(t, "github", "gitlab", "  auth_endpoint: auth\n", "")
		},
		"Bitbucket": func(r *rig) {
			r.site.Backend.Kind = "bitbucket"
			r.config = "base_url: https://auth.example.com\nsite_id: www.example.com\n" + edited(t, "github", "bitbucket")
		},
		"apex leads to www": func(r *rig) {
			r.origins["https://example.com"] = redirect(pageOrigin)
			r.origins["http://www.example.com"] = redirect(pageOrigin)
		},
		"with a policy that is wide enough": func(r *rig) {
			r.pageHeader.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' https://unpkg.com 'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob: https://*.githubusercontent.com; connect-src 'self' blob: https://api.github.com")
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			change(r)
			rep := r.run()
			if p := problems(rep); len(p) > 0 || !rep.OK || rep.Changed {
				t.Errorf("problems %v, changed %v\n%s", p, rep.Changed, show(rep))
			}
		})
	}
}

// TestEachCheckFiresAndTheBlockMendsIt: exactly that check fires, and none when
// the site has the block that was printed (or does what the remedy says).
func TestEachCheckFiresAndTheBlockMendsIt(t *testing.T) {
	for _, s := range everySick() {
		t.Run(s.id+" "+s.names, func(t *testing.T) {
			r := newRig(t)
			s.ail(r)
			rep := r.run()
			if p := slices.Compact(problems(rep)); !slices.Equal(p, []string{s.id}) {
				t.Fatalf("fired: %v\n%s\n--- config.yml\n%s", p, show(rep), r.config)
			}
			f := find(rep, s.id)
			if !strings.Contains(f.Problem+" "+f.Remedy+" "+f.Paste, s.names) {
				t.Errorf("%q is not in\n%s", s.names, show(rep))
			}
			if rep.OK == f.Severity.Grave() || f.Remedy == "" {
				t.Errorf("OK %v, %+v", rep.OK, f)
			}
			mended := newRig(t)
			s.ail(mended)
			if s.mend == nil {
				if !rep.Changed {
					t.Errorf("nothing has changed in\n%s", rep.Corrected)
				}
				mended.config = rep.Corrected
			} else {
				s.mend(mended, f)
			}
			after := mended.run()
			if p := problems(after); len(p) > 0 || !after.OK || after.Changed {
				t.Errorf("still: %v, changed %v\n%s\n--- with\n%s", p, after.Changed, show(after), mended.config)
			}
		})
	}
}

// checkID finds the ids of checks in the source.
var checkID = regexp.MustCompile(`(?:\bID:\s*|\bid:\s*|f\.ID(?:, f\.\w+)* = |wrongBase\(|checkNeighbour\()"([a-z]+(?:-[a-z]+)*)"`)

// TestEachCheckHasASickSite: nobody adds a check without a site for it.
func TestEachCheckHasASickSite(t *testing.T) {
	tested := []string{"backend-popup", "client-version"} // elsewhere; never more than ok
	for _, s := range everySick() {
		tested = append(tested, s.id)
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range checkID.FindAllStringSubmatch(string(text), -1) {
			found++
			if !slices.Contains(tested, m[1]) {
				t.Errorf("%s: no sick site for %s", name, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("only %d checks were found", found)
	}
}
