package doctor

import (
	"bytes"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/idna"

	"gatehouse/internal/fault"
)

// page is the CMS page, as far as it matters.
type page struct {
	url     *url.URL
	header  http.Header
	base    *url.URL // what relative addresses start from
	links   []configLink
	scripts []*url.URL
	inline  []string // texts of scripts
	meta    []string // policies in meta elements
	plain   []string // http: addresses of scripts, styles and frames
	cms     []Client
	manual  bool // CMS_MANUAL_INIT
}

// configLink is <link rel="cms-config-url">.
type configLink struct{ href, kind string }

// openPage finds the page: at the address, or at admin/ below the site's root.
func (x *exam) openPage() error {
	start, err := startURL(x.URL)
	if err != nil {
		return err
	}
	p, err := x.tryPage(start)
	if root := strings.Trim(start.Path, "/") == ""; root && (err != nil || !p.isCMS()) {
		admin, adminErr := x.tryPage(start.JoinPath("admin/"))
		if adminErr == nil && (err != nil || admin.isCMS()) {
			p, err = admin, nil
		}
	}
	if err != nil {
		return err
	}
	x.page = p
	x.report.URL = p.url.String()
	return nil
}

// isCMS reports whether there is any sign of a CMS.
func (p *page) isCMS() bool { return len(p.cms) > 0 || len(p.links) > 0 || p.manual }

// startURL reads an address as people write it.
func startURL(raw string) (*url.URL, error) {
	raw = strings.TrimSpace(raw)
	if raw != "" && !strings.Contains(raw, "://") {
		u, err := url.Parse("http://" + raw)
		if err == nil && isLoopback(u.Hostname()) {
			raw = "http://" + raw
		} else {
			raw = "https://" + raw
		}
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fault.New(fault.Invalid, "Name the CMS page with --url, such as https://www.example.com/admin/.")
	}
	if u.User != nil {
		return nil, fault.New(fault.Invalid, "Leave user and password out of --url.")
	}
	u.Fragment, u.RawFragment = "", ""
	u.Host = strings.ToLower(u.Host)
	if ascii, err := idna.Lookup.ToASCII(u.Hostname()); err == nil && !strings.Contains(u.Host, "[") {
		u.Host = strings.Replace(u.Host, u.Hostname(), ascii, 1) // as browsers send it
	}
	return u, nil
}

func (x *exam) tryPage(u *url.URL) (*page, error) {
	a, err := x.follow(u.String())
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, err, "%s cannot be opened: %s.", u, why(err))
	}
	if a.status != http.StatusOK {
		return nil, fault.New(fault.Unavailable, "%s answers %d %s. Name the CMS page with --url, such as https://www.example.com/admin/.", a.url, a.status, http.StatusText(a.status))
	}
	p := readPage(a.body, a.url)
	p.header = a.header
	return p, nil
}

// maxItems bounds what is kept of a page.
const maxItems = 200

// readPage reads HTML as far as it goes; it never fails.
func readPage(data []byte, at *url.URL) *page {
	p := &page{url: at, base: at, header: http.Header{}}
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxBody)
	for inScript := false; ; {
		switch z.Next() {
		case html.ErrorToken:
			p.recognise()
			return p
		case html.TextToken:
			if inScript && len(p.inline) < maxItems {
				p.inline = append(p.inline, string(z.Text()))
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			p.element(t.Data, attributes(t))
			inScript = t.Data == "script" && t.Type == html.StartTagToken
		case html.EndTagToken:
			inScript = false
		}
	}
}

func attributes(t html.Token) map[string]string {
	m := map[string]string{}
	for _, a := range t.Attr {
		if _, twice := m[a.Key]; !twice {
			m[a.Key] = strings.TrimSpace(a.Val)
		}
	}
	return m
}

func (p *page) element(name string, attr map[string]string) {
	load := ""
	switch name {
	case "base":
		if u, err := p.url.Parse(attr["href"]); err == nil && attr["href"] != "" && p.base == p.url {
			p.base = u
		}
	case "script":
		load = attr["src"]
		if u, err := p.base.Parse(load); err == nil && load != "" && len(p.scripts) < maxItems {
			p.scripts = append(p.scripts, u)
		}
	case "link":
		rel := strings.Fields(strings.ToLower(attr["rel"]))
		for _, r := range rel {
			if r == "cms-config-url" && len(p.links) < maxItems {
				p.links = append(p.links, configLink{attr["href"], strings.ToLower(attr["type"])})
			}
			if r == "stylesheet" {
				load = attr["href"]
			}
		}
	case "iframe":
		load = attr["src"]
	case "meta":
		if strings.EqualFold(attr["http-equiv"], "content-security-policy") && len(p.meta) < maxItems {
			p.meta = append(p.meta, attr["content"])
		}
	}
	if u, err := p.base.Parse(load); load != "" && err == nil && u.Scheme == "http" && !isLoopback(u.Hostname()) && len(p.plain) < maxItems {
		p.plain = append(p.plain, u.Redacted())
	}
}

var (
	importFrom = regexp.MustCompile(`\b(?:from|import)\s*\(?\s*["'\x60]([^"'\x60\s]{1,300})["'\x60]`)
	manualInit = regexp.MustCompile(`CMS_MANUAL_INIT["']?\]?\s*=\s*(true|!0|1)\b`)
)

// recognise finds the CMS among the scripts and what they import.
func (p *page) recognise() {
	all := append([]*url.URL{}, p.scripts...)
	for _, text := range p.inline {
		p.manual = p.manual || manualInit.MatchString(text)
		for _, m := range importFrom.FindAllStringSubmatch(text, maxItems) {
			if u, err := p.base.Parse(m[1]); err == nil && len(all) < 2*maxItems {
				all = append(all, u)
			}
		}
	}
	for _, u := range all {
		if c, ok := identify(u); ok {
			p.cms = append(p.cms, c)
		}
	}
}

// origin is that of the page.
func (p *page) origin() string { return originOf(p.url) }
