package fakes

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const unauthorised = "unauthorized_client" //nolint:misspell // OAuth spells it so

// answers is how a host spells what the token endpoint says.
type answers interface {
	// values makes an access token and a refresh token for an app.
	values(a *App) (access, refresh string)
	grant(w http.ResponseWriter, r *http.Request, t Token, now time.Time)
	refuse(w http.ResponseWriter, r *http.Request, p problem)
}

func lifeLeft(t Token, now time.Time) int { return int(t.Expires.Sub(now).Seconds()) }

func noStore(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Pragma", "no-cache")
}

type githubAnswers struct{}

func (githubAnswers) values(a *App) (access, refresh string) {
	prefix := "gho_"
	if a.Slug != "" {
		prefix = "ghu_"
	}
	if a.ID == "" {
		prefix = "ghp_"
	}
	return prefix + secret(27), "ghr_" + secret(57)
}

func (githubAnswers) grant(w http.ResponseWriter, r *http.Request, t Token, now time.Time) {
	const refreshLife = 15897600 // six months
	fields := []field{{"access_token", t.Value}}
	if t.Refresh != "" {
		fields = append(fields, field{"expires_in", lifeLeft(t, now)},
			field{"refresh_token", t.Refresh}, field{"refresh_token_expires_in", refreshLife})
	}
	githubWrite(w, r, append(fields, field{"scope", strings.Join(t.Scopes, ",")}, field{"token_type", "bearer"}))
}

func (githubAnswers) refuse(w http.ResponseWriter, r *http.Request, p problem) {
	word, text := "bad_verification_code", "The code is wrong, too old, or was used before."
	switch p {
	case badClient:
		word, text = "incorrect_client_credentials", "The client_id and the client_secret do not belong together."
	case badRedirect:
		word, text = "redirect_uri_mismatch", "The redirect_uri is not the one that the code was made for."
	case badRefresh:
		word, text = "bad_refresh_token", "The refresh token is wrong or too old."
	case badKind:
		word, text = "unsupported_grant_type", "This grant_type is not known here."
	}
	githubWrite(w, r, []field{
		{"error", word},
		{"error_description", text},
		{"error_uri", "http://" + r.Host + "/practice/" + word},
	})
}

type field struct {
	name  string
	value any // string or int
}

// githubWrite answers with status 200 whatever it says, and as a form unless
// JSON is asked for.
func githubWrite(w http.ResponseWriter, r *http.Request, fields []field) {
	noStore(w)
	if strings.Contains(r.Header.Get("Accept"), "json") {
		object := map[string]any{}
		for _, f := range fields {
			object[f.name] = f.value
		}
		JSON(w, http.StatusOK, object)
		return
	}
	form := url.Values{}
	for _, f := range fields {
		switch v := f.value.(type) {
		case int:
			form.Set(f.name, strconv.Itoa(v))
		case string:
			form.Set(f.name, v)
		}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	_, _ = w.Write([]byte(form.Encode()))
}

type gitlabAnswers struct{}

func (gitlabAnswers) values(a *App) (access, refresh string) {
	if a.ID == "" {
		return "glpat-" + secret(20), ""
	}
	return secret(32), secret(32)
}

func (gitlabAnswers) grant(w http.ResponseWriter, _ *http.Request, t Token, now time.Time) {
	noStore(w)
	JSON(w, http.StatusOK, map[string]any{
		"access_token": t.Value, "token_type": "Bearer", "expires_in": lifeLeft(t, now),
		"refresh_token": t.Refresh, "scope": strings.Join(t.Scopes, " "), "created_at": now.Unix(),
	})
}

func (gitlabAnswers) refuse(w http.ResponseWriter, _ *http.Request, p problem) {
	status, word, text := http.StatusBadRequest, string(p), "The request is not as it has to be."
	switch p {
	case badClient:
		status, text = http.StatusUnauthorized, "The client is not known, or its secret is wrong."
	case badCode, badRefresh, badRedirect, badVerifier:
		word, text = "invalid_grant", "The grant is wrong, too old, taken back, or was made for another client or redirect_uri."
	case badKind:
		text = "This grant_type is not known here."
	}
	noStore(w)
	JSON(w, status, map[string]string{"error": word, "error_description": text})
}

type bitbucketAnswers struct{}

func (bitbucketAnswers) values(*App) (access, refresh string) { return secret(60), secret(13) }

func (bitbucketAnswers) grant(w http.ResponseWriter, _ *http.Request, t Token, now time.Time) {
	noStore(w)
	JSON(w, http.StatusOK, map[string]any{
		"access_token": t.Value, "token_type": "bearer", "expires_in": lifeLeft(t, now),
		"refresh_token": t.Refresh, "scope": strings.Join(t.Scopes, " "), "state": "authorization_code",
	})
}

func (bitbucketAnswers) refuse(w http.ResponseWriter, _ *http.Request, p problem) {
	status, word, text := http.StatusBadRequest, string(p), "The request is not as it has to be."
	switch p {
	case badClient:
		word, text = unauthorised, "The consumer's key or secret is wrong."
	case badCode, badRedirect, badVerifier:
		word, text = "invalid_grant", "The code is wrong, too old, or was used before."
	case badRefresh:
		word, text = "invalid_grant", "The refresh token is wrong or was used before."
	case badKind:
		text = "This grant_type is not known here."
	}
	noStore(w)
	JSON(w, status, map[string]string{"error": word, "error_description": text})
}

type giteaAnswers struct{}

func (giteaAnswers) values(a *App) (access, refresh string) {
	if a.ID == "" {
		return strings.ToLower(secret(30)), ""
	}
	// The shape of a JWT, which nobody can read anything from.
	return "eyJ" + secret(30) + "." + secret(60) + "." + secret(32), "eyJ" + secret(30) + "." + secret(60) + "." + secret(32)
}

func (giteaAnswers) grant(w http.ResponseWriter, _ *http.Request, t Token, now time.Time) {
	noStore(w)
	JSON(w, http.StatusOK, map[string]any{
		"access_token": t.Value, "token_type": "bearer", "expires_in": lifeLeft(t, now), "refresh_token": t.Refresh,
	})
}

func (giteaAnswers) refuse(w http.ResponseWriter, _ *http.Request, p problem) {
	word, text := string(p), "the request is not as it has to be"
	switch p {
	case badClient:
		word, text = unauthorised, "invalid client secret"
	case badRedirect:
		word, text = unauthorised, "unexpected redirect URI"
	case badVerifier:
		word, text = unauthorised, "the code_verifier does not fit the code_challenge"
	case badRefresh:
		word, text = unauthorised, "the refresh token cannot be read"
	case badCode:
		text = "the code is wrong, too old, or was used before"
	case badKind:
		text = "only authorization_code and refresh_token are known here"
	}
	noStore(w)
	JSON(w, http.StatusBadRequest, map[string]string{"error": word, "error_description": text})
}
