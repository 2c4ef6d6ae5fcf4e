package site

import (
	"strings"
	"testing"

	"gatehouse/internal/fault"
)

func shop() *Site {
	return &Site{
		Name: "shop", Backend: Backend{Kind: "github", Repo: "acme/shop"},
		Origins:    []string{"https://www.example.com", "https://shared.example.net:8443"},
		DevOrigins: []string{"http://localhost:4321"},
		Domains:    []string{"shop.example.com", "Bücher.example."}, Hosts: []string{"cms.example.com"},
		PreviewOrigins: []string{"https://*--shop.previews.example.com", "https://pr-*.example.dev"},
	}
}

func other() *Site {
	return &Site{
		Name: "other", Backend: Backend{Kind: "gitlab", Repo: "acme/other"},
		Origins:    []string{"https://www.other.org", "https://shared.example.net"},
		DevOrigins: []string{"http://localhost:5000"},
	}
}

func directory(t *testing.T, sites ...*Site) *Directory {
	t.Helper()
	d, err := NewDirectory(sites)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLookup(t *testing.T) {
	d := directory(t, shop(), other(), &Site{Name: "ours", Origins: []string{"https://ours.example.com"}})
	for id, want := range map[string]string{
		"shop":                          "shop",
		"SHOP":                          "shop",
		"www.example.com":               "shop",
		"WWW.Example.COM.":              "shop",
		"https://www.example.com/admin": "shop",
		"www.example.com:8080":          "shop",
		"shop.example.com":              "shop",
		"cms.example.com":               "shop",
		"bücher.example":                "shop",
		"BÜCHER.example":                "shop",
		"xn--bcher-kva.example":         "shop",
		"https://bücher.example./":      "shop",
		"www.other.org":                 "other",
		"shared.example.net":            "", // of two sites
		"":                              "", // there are two
		"example.com":                   "",
		"sub.www.example.com":           "",
		"www.example.com.evil.net":      "",
		"ours":                          "", // its CMS page asks us, not a Git host
		"ours.example.com":              "",
		"\x00":                          "",
		"localhost":                     "dev",
		"localhost:4321":                "dev",
		"127.0.0.1":                     "dev",
		"[::1]":                         "dev",
		"[::1]:8080":                    "dev",
		"[":                             "dev", // an IPv6 address, cut at its first colon
		"cms.netlify.com":               "dev",
		"demo.decapcms.org":             "dev",
	} {
		found, dev := d.Lookup(id)
		got := ""
		switch {
		case dev:
			got = "dev"
		case len(found) == 1:
			got = found[0].Name
		case len(found) > 1:
			t.Errorf("%q: several sites", id)
		}
		if got != want || (dev && found != nil) {
			t.Errorf("site_id %q means %q, want %q", id, got, want)
		}
	}
	if d.Named("shop") == nil || d.Named("ours") != nil || d.Named("") != nil {
		t.Error("sites by name are wrong")
	}
}

func TestLookupWithoutASiteID(t *testing.T) {
	found, dev := directory(t, shop(), &Site{Name: "ours"}).Lookup("")
	if len(found) != 1 || found[0].Name != "shop" || dev {
		t.Errorf("the only site is not meant: %v %v", found, dev)
	}
}

// A domain of the operator's own wins over what CMS pages make up.
func TestLookupPrefersDomains(t *testing.T) {
	s := shop()
	s.Domains = append(s.Domains, "localhost")
	if found, dev := directory(t, s, other()).Lookup("localhost"); dev || len(found) != 1 {
		t.Errorf("localhost: %v %v", found, dev)
	}
}

func TestOpener(t *testing.T) {
	s := shop()
	for origin, want := range map[string]bool{
		"https://www.example.com":                  true,
		"https://shared.example.net:8443":          true,
		"http://localhost:4321":                    true,
		"https://fix-1--shop.previews.example.com": true,
		"https://pr-12.example.dev":                true,

		"":                                 false,
		"null":                             false,
		"http://www.example.com":           false,
		"https://www.example.com:8443":     false,
		"https://www.example.com/":         false,
		"https://WWW.example.com":          false,
		"https://www.example.com.evil.net": false,
		"https://evilwww.example.com":      false,
		"https://example.com":              false,
		"https://sub.www.example.com":      false,
		"https://shared.example.net":       false,
		"http://localhost:4322":            false,
		"http://127.0.0.1:4321":            false,

		"https://--shop.previews.example.com":         false, // nothing for the *
		"https://a.b--shop.previews.example.com":      false,
		"https://a--shop.previews.example.com.evil":   false,
		"https://a--shop.previews.example.com:8443":   false,
		"http://a--shop.previews.example.com":         false,
		"https://a--shopx.previews.example.com":       false,
		"https://u:p@a--shop.previews.example.com":    false,
		"https://evil/--shop.previews.example.com":    false,
		"https://evil?--shop.previews.example.com":    false,
		"https://evil#--shop.previews.example.com":    false,
		"https://evil:1--shop.previews.example.com":   false,
		"https://evil%2e--shop.previews.example.com":  false,
		"https://A--shop.previews.example.com":        false,
		"https://pr-.example.dev":                     false,
		"https://xpr-1.example.dev":                   false,
		"https://evil.example\x00--shop.previews.com": false,
	} {
		if got := s.Opener(origin); got != want {
			t.Errorf("opener %q: %v, want %v", origin, got, want)
		}
	}
}

func TestForDevIsExact(t *testing.T) {
	second := other()
	second.DevOrigins = append(second.DevOrigins, "http://localhost:4321")
	d := directory(t, shop(), second)
	for origin, want := range map[string]int{
		"http://localhost:4321": 2, "http://localhost:5000": 1, "http://localhost:8080": 0,
		"https://localhost:5000": 0, "https://www.example.com": 0, "": 0,
	} {
		if got := d.ForDev(origin); len(got) != want {
			t.Errorf("%q is for %d sites, want %d", origin, len(got), want)
		}
	}
	if !d.Knows("http://localhost:5000") || !d.Knows("https://pr-1.example.dev") || d.Knows("https://evil.example") {
		t.Error("the origins of all sites are wrong")
	}
}

func TestDirectoryRefuses(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*Site)
		want   string
	}{
		"null":                   {func(s *Site) { s.Origins = []string{"null"} }, "no browser sends"},
		"any":                    {func(s *Site) { s.Origins = []string{"*"} }, "no browser sends"},
		"a path":                 {func(s *Site) { s.Origins = []string{"https://a.example/"} }, "no browser sends"},
		"the usual port":         {func(s *Site) { s.Origins = []string{"https://a.example:443"} }, "no browser sends"},
		"upper case":             {func(s *Site) { s.DevOrigins = []string{"http://LOCALHOST:1"} }, "no browser sends"},
		"a file":                 {func(s *Site) { s.Origins = []string{"file://"} }, "no browser sends"},
		"any https":              {func(s *Site) { s.PreviewOrigins = []string{"https://*"} }, "first part"},
		"a top-level domain":     {func(s *Site) { s.PreviewOrigins = []string{"https://*.com"} }, "first part"},
		"plain http":             {func(s *Site) { s.PreviewOrigins = []string{"http://*.example.com"} }, "first part"},
		"two stars":              {func(s *Site) { s.PreviewOrigins = []string{"https://a*b.*.example.com"} }, "first part"},
		"a star in the middle":   {func(s *Site) { s.PreviewOrigins = []string{"https://a.*.example.com"} }, "first part"},
		"a pattern with a path":  {func(s *Site) { s.PreviewOrigins = []string{"https://*.example.com/x"} }, "first part"},
		"a domain of two sites":  {func(s *Site) { s.Domains = []string{"Shop.Example.com"} }, "shop and other have the same domain"},
		"a pattern without star": {func(s *Site) { s.PreviewOrigins = []string{"https://a.example.com"} }, "first part"},
	} {
		s := other()
		tt.change(s)
		_, err := NewDirectory([]*Site{shop(), s})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(fault.Message(err), tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzOpener(f *testing.F) {
	for _, seed := range []string{"https://x--shop.previews.example.com", "https://pr-1.example.dev", "https://[::1]:1", "null", "https://a@b"} {
		f.Add(seed)
	}
	s := shop()
	f.Fuzz(func(t *testing.T, origin string) {
		normalDomain(origin)
		if !s.Opener(origin) {
			return
		}
		// What is let in has to be an origin of ours, letter by letter.
		host := strings.TrimPrefix(strings.TrimPrefix(origin, "https://"), "http://")
		ours := strings.HasSuffix(host, ".example.com") || strings.HasSuffix(host, ".example.dev") || host == "shared.example.net:8443" || host == "localhost:4321"
		if !ours || strings.ContainsAny(host, "/@?#%\\ ") {
			t.Errorf("%q may open the popup", origin)
		}
	})
}
