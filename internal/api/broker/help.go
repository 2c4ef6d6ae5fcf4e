package broker

import (
	"fmt"
	"math"
	"net/url"
	"time"
)

// Help is a page that says in one sentence what happened and names one thing to
// do about it. It is shown as it is and escaped by the template; the JSON form
// is for the pages' scripts.
type Help struct {
	ID        string `json:"id"` // "E-origin": the same for ever, for searching and for the log
	Title     string `json:"title"`
	Sentence  string `json:"sentence"`
	Action    string `json:"action"`
	Link      *Link  `json:"link,omitempty"`      // where the action can be taken
	Config    string `json:"config,omitempty"`    // a block to copy
	Reference string `json:"reference,omitempty"` // finds the event in the log
	Login     string `json:"login,omitempty"`     // who is signed in at the host
	Switch    bool   `json:"switch,omitempty"`    // another account at the host could do it
	Retry     bool   `json:"retry,omitempty"`     // to go to the host once more could do it
}

// Link is a button that leads to the host, in a window of its own.
type Link struct {
	Text string `json:"text"`
	URL  string `json:"url"` // https, or http on a host of the operator's own
}

// newLink is nil for anything but an absolute web address: what comes from a
// host is not trusted to be one.
func newLink(text, address string) *Link {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return &Link{Text: text, URL: u.String()}
}

// helpNoOpener is for a popup that no page has opened.
func helpNoOpener() Help {
	return Help{
		ID:       "E-no-opener",
		Title:    "Open this from the editor",
		Sentence: "This window cannot see the editor that it should sign in to.",
		Action:   "Close it, open the editor's page and press the sign-in button there. If that is what you did, the editor's page is sent with the header “Cross-Origin-Opener-Policy: same-origin”: whoever runs the site has to set it to the value shown here.",
		Config:   "Cross-Origin-Opener-Policy: same-origin-allow-popups",
	}
}

// helpNoAnswer is for a popup whose opener does not answer: its CMS listens to
// another origin than ours.
func helpNoAnswer(ourOrigin, config string) Help {
	if config == "" {
		config = "backend:\n  base_url: " + ourOrigin + "\n"
	}
	return Help{
		ID:       "E-no-answer",
		Title:    "The editor does not answer",
		Sentence: "A page has opened this window, but it does not answer " + ourOrigin + ".",
		Action:   "Set base_url in the CMS's config.yml to exactly " + ourOrigin + ": no path, no capital letters, no port that is the usual one. If it is so already, reload the editor's page and sign in once more.",
		Config:   config,
	}
}

// helpOrigin is for an opener whose origin the site does not list. Dev says
// that the CMS, being on localhost, did not tell which site it is.
func helpOrigin(origin, siteTitle string, dev bool) Help {
	h := Help{
		ID:       "E-origin",
		Title:    "This address is not registered",
		Sentence: fmt.Sprintf("The editor's page is at %s, which is not an address of %s.", origin, siteTitle),
		Action:   "If the page is yours, add the address to the site in gatehouse.yaml. If you do not know it, close this window: nothing has been given away.",
		Config:   "origins:\n  - " + yamlText(origin) + "\n",
	}
	if dev {
		h.Sentence = fmt.Sprintf("The editor's page is at %s, which no site lists as an address for work on a laptop.", origin)
		h.Config = "dev_origins:\n  - " + yamlText(origin) + "\n"
	}
	return h
}

// helpUnknownSite is for a site_id that means no site, or more than one.
func helpUnknownSite(siteID string) Help {
	h := Help{
		ID:       "E-unknown-site",
		Title:    "Which site is this?",
		Sentence: fmt.Sprintf("The editor's page says that it belongs to “%s”, and no site goes by that name here.", siteID),
		Action:   "Set site_domain in the CMS's config.yml to the name of the site, or add this name to the site's domains in gatehouse.yaml.",
		Config:   "domains:\n  - " + yamlText(siteID) + "\n",
	}
	if siteID == "" {
		h.Sentence = "The editor's page does not say which site it belongs to."
		h.Action = "Set site_domain in the CMS's config.yml to the name of the site."
		h.Config = "backend:\n  site_domain: www.example.com\n"
	}
	return h
}

// helpProvider is for a provider that the site has no connector for. Kind is
// what the site's repository is at; empty: not known.
func helpProvider(asked, siteTitle, kind string) Help {
	h := Help{
		ID:       "E-provider",
		Title:    "No sign-in by this way",
		Sentence: fmt.Sprintf("There is no sign-in with “%s” for %s.", asked, siteTitle),
		Action:   fmt.Sprintf("Whoever runs Gatehouse has to add a connector of the kind “%s”, or list the one to use in the site's connectors.", asked),
	}
	if kind != "" && kind != asked {
		h.Action = "Set the name of the backend in the CMS's config.yml to the host that the site's repository is at."
		h.Config = "backend:\n  name: " + yamlText(kind) + "\n"
	}
	return h
}

// helpSeveralConnectors is for a provider that the site has more than one
// connector for. Their names are in the log, for the operator.
func helpSeveralConnectors(asked, siteTitle string) Help {
	return Help{
		ID:       "E-provider",
		Title:    "More than one way to sign in",
		Sentence: fmt.Sprintf("Several connectors could sign people in with “%s” for %s, and Gatehouse does not choose among them.", asked, siteTitle),
		Action:   "Whoever runs Gatehouse has to list the right one in the site's connectors in gatehouse.yaml.",
		Config:   "connectors: [NAME]\n",
	}
}

// helpHost is for a request that came under another name than our own.
func helpHost(ourOrigin string) Help {
	return Help{
		ID:       "E-host",
		Title:    "Another address than expected",
		Sentence: "This Gatehouse is reached at " + ourOrigin + ", and the sign-in was opened at another address.",
		Action:   "Set base_url in the CMS's config.yml to that address. If it is so already, the proxy in front of Gatehouse has to pass the Host header on unchanged.",
		Config:   "backend:\n  base_url: " + ourOrigin + "\n",
	}
}

// helpParams is for a request that is not well formed. What says which part of
// it, in our own words: "the provider is missing".
func helpParams(what string) Help {
	return Help{
		ID:       "E-params",
		Title:    "This address is not complete",
		Sentence: "The sign-in was opened with an address that is not well formed: " + what + ".",
		Action:   "Close this window, open the editor's page and press the sign-in button there.",
	}
}

// helpFrame is for a page that is asked for as a part of another page.
func helpFrame() Help {
	return Help{
		ID:       "E-params",
		Title:    "A window of its own, please",
		Sentence: "The sign-in cannot be shown inside of another page.",
		Action:   "Open the editor's page and press the sign-in button there.",
	}
}

// helpState is for a return that belongs to no sign-in of this browser: unknown,
// or begun in another browser, which must look the same.
func helpState() Help {
	return Help{
		ID:       "E-state",
		Title:    "Please start again",
		Sentence: "This sign-in was not begun in this browser, or the browser has not kept its cookie.",
		Action:   "Close this window and press the sign-in button in the editor once more, with cookies allowed.",
	}
}

// helpTooLate is for a sign-in of this browser that took longer than it may.
func helpTooLate() Help {
	return Help{
		ID:       "E-state",
		Title:    "That took too long",
		Sentence: "A sign-in has to be finished within ten minutes, and this one was not.",
		Action:   "Close this window and press the sign-in button in the editor once more.",
	}
}

// helpUsed is for a return that was here before: a reload, the back button.
func helpUsed() Help {
	return Help{
		ID:       "E-state",
		Title:    "This sign-in is over",
		Sentence: "The page has been loaded before, and a sign-in works only once.",
		Action:   "If the editor is not signed in, close this window and press its sign-in button once more.",
	}
}

// helpOpenerGone is for a return to a window that has lost the editor.
func helpOpenerGone() Help {
	return Help{
		ID:       "E-opener-gone",
		Title:    "The editor's window is out of reach",
		Sentence: "The sign-in worked, but this window cannot tell the editor: it was closed, or a page on the way has cut the connection.",
		Action:   "Close this window and press the sign-in button in the editor once more. Gatehouse will then keep one window open for the editor and use a second one for the sign-in.",
	}
}

// helpUpstream is for a host that is away, slow, or answers oddly.
func helpUpstream(hostName string) Help {
	return Help{
		ID:       "E-upstream",
		Title:    "No answer from " + hostName,
		Sentence: "The sign-in cannot go on: there was no answer from " + hostName + ", or not the one that belongs there.",
		Action:   "Try again in a minute. If it stays so, look whether " + hostName + " reports a disturbance.",
		Retry:    true,
	}
}

// helpRate is for too many tries.
func helpRate(wait time.Duration) Help {
	return Help{
		ID:       "E-rate",
		Title:    "Too many tries",
		Sentence: "There were too many sign-ins from this address in a short time.",
		Action:   fmt.Sprintf("Wait %s and try again.", seconds(wait)),
	}
}

func seconds(d time.Duration) string {
	n := int(math.Ceil(d.Seconds()))
	switch {
	case n <= 1:
		return "a second"
	case n < 120:
		return fmt.Sprintf("%d seconds", n)
	}
	return fmt.Sprintf("%d minutes", (n+59)/60)
}
