package broker

import (
	"encoding/json"
	"strings"
	"time"
)

// maxText is how many characters an error may have for the CMS.
const maxText = 300

// token is what a CMS page gets. Every client finds its own names in it.
type token struct {
	Token         string `json:"token"`
	Provider      string `json:"provider"`
	RefreshToken  string `json:"refresh_token,omitempty"` // a handle, never the host's
	RefreshToken2 string `json:"refreshToken,omitempty"`  // the same, as another client spells it
	ExpiresIn     int    `json:"expires_in,omitempty"`    // seconds; 0: not by time
	TokenType     string `json:"token_type"`
}

func newToken(provider, access, handle string, expires, now time.Time) token {
	t := token{Token: access, Provider: provider, RefreshToken: handle, RefreshToken2: handle, TokenType: "bearer"}
	if !expires.IsZero() {
		t.ExpiresIn = max(1, int(expires.Sub(now)/time.Second))
	}
	return t
}

// successMessage is the text that a CMS page waits for.
func successMessage(t token) string { return message(t.Provider, "success", t) }

// noMarkup is for pages of somebody's own, which may show a text as HTML.
var noMarkup = strings.NewReplacer("<", "‹", ">", "›")

// errorMessage tells a CMS page that there is no token. The text is for people
// and cut to 300 characters; id finds it in the log and survives the cut. The
// code is one that no client has a text of its own for, or ours would not be
// shown.
func errorMessage(provider, text, code, id string) string {
	if id != "" {
		id = " (" + id + ")"
	}
	text = noMarkup.Replace(strings.TrimSpace(clip(text, maxText-len(id))) + id)
	return message(provider, "error", struct {
		Provider string `json:"provider"`
		Message  string `json:"message"`   // one family of clients shows this,
		Error    string `json:"error"`     // another one this,
		Code     string `json:"errorCode"` // unless it knows the code
	}{provider, text, text, code})
}

// message is one line: clients look for the JSON with a pattern whose dot means
// no line break, and that is true of U+2028, too. json.Marshal escapes all of
// them, and what is special in HTML.
func message(provider, outcome string, content any) string {
	body, err := json.Marshal(content)
	if err != nil { // strings and numbers always have a form
		body = []byte("{}")
	}
	return "authorization:" + provider + ":" + outcome + ":" + string(body)
}

// codeOf is the errorCode of an error page: "E-no-write" is NO_WRITE.
func codeOf(page string) string {
	if page == "E-provider" {
		return "UNSUPPORTED_BACKEND"
	}
	return strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(page, "E-"), "-", "_"))
}
