package doctor

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// brokerPage is what a page of the broker says to its script, and to people.
type brokerPage struct {
	kind     string // popup, result, help; empty: it is none of ours
	tx       string
	help     string // E-origin
	sentence string
	config   string
}

// nowhere reports whether the page is no answer to a popup: none of the
// broker's, or the one that says that there is none at this path.
func (p *brokerPage) nowhere() bool { return p.kind == "" || p.help == "E-path" }

// readBrokerPage reads a page's data-* attributes. It never fails.
func readBrokerPage(data []byte) brokerPage {
	var p brokerPage
	z := html.NewTokenizer(bytes.NewReader(data))
	z.SetMaxBuf(maxBody)
	part := ""
	for {
		switch z.Next() {
		case html.ErrorToken:
			return p
		case html.TextToken:
			switch text := strings.TrimRight(string(z.Text()), " \n"); {
			case part == "sentence" && p.sentence == "":
				p.sentence = text
			case part == "config" && p.config == "":
				p.config = text
			}
			part = ""
		case html.StartTagToken, html.SelfClosingTagToken:
			attr := attributes(z.Token())
			part = attr["data-part"]
			if v := attr["data-page"]; v != "" && p.kind == "" {
				p.kind = v
			}
			if v := attr["data-tx"]; v != "" && p.tx == "" {
				p.tx = v
			}
			if v := attr["data-help"]; strings.HasPrefix(v, "E-") && p.help == "" && p.kind == "help" {
				p.help = v
			}
		case html.EndTagToken:
			part = ""
		}
	}
}

// popup is the page that the CMS opens, as the broker answered it.
type popup struct {
	*answer
	brokerPage
	cookie *http.Cookie // of the transaction; nil: none came
}

// openPopup asks for the popup's page as the CMS does.
func (x *exam) openPopup() (*popup, error) {
	q := url.Values{"provider": {x.backend()}, "site_id": {x.siteID}, "scope": {x.scope()}}
	a, err := x.get(x.broker + "/" + x.endpoint + "?" + q.Encode())
	if err != nil {
		return nil, err
	}
	p := &popup{answer: a, brokerPage: readBrokerPage(a.body)}
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if strings.HasPrefix(strings.TrimPrefix(c.Name, "__Host-"), "gatehouse_tx_") {
			p.cookie = c
		}
	}
	return p, nil
}

func (x *exam) scope() string {
	return x.report.Client.scope(x.backend(), x.config.get("auth_scope").text, x.config.get("open_authoring").text == "true")
}

// begun is the broker's answer to who opened the popup.
type begun struct {
	status   int
	next     *url.URL // where the popup would go; nil: nowhere
	help     string
	sentence string
	config   string
}

// begin tells the broker the origin of the opener, as the popup's page does.
func (x *exam) begin(p *popup, origin string) (begun, error) {
	body, err := json.Marshal(map[string]string{"tx": p.tx, "origin": origin})
	if err != nil {
		return begun{}, err
	}
	req, err := http.NewRequestWithContext(x.ctx, http.MethodPost, x.broker+"/auth/begin", bytes.NewReader(body))
	if err != nil {
		return begun{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", x.broker)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.cookie != nil {
		req.Header.Set("Cookie", p.cookie.Name+"="+p.cookie.Value)
	}
	a, err := x.send(req)
	if err != nil {
		return begun{}, err
	}
	var said struct {
		Next string `json:"next"`
		Page struct {
			ID       string `json:"id"`
			Sentence string `json:"sentence"`
			Config   string `json:"config"`
		} `json:"page"`
	}
	b := begun{status: a.status}
	if json.Unmarshal(a.body, &said) == nil { // else it is not our broker who answers
		b.help, b.sentence, b.config = said.Page.ID, said.Page.Sentence, said.Page.Config
		if u, err := url.Parse(said.Next); err == nil && u.Host != "" && a.status == http.StatusOK {
			b.next = u
		}
	}
	return b, nil
}
