package auth

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"gatehouse/internal/fault"
	"gatehouse/internal/store"
)

// start signs ann in as an identity client and returns her family, her refresh
// token and an access token.
func (r *rig) start(t testing.TB, site string) (Session, string, string) {
	t.Helper()
	family, refresh, err := r.Issuer.Start(t.Context(), "ann", site, "client", home)
	check(t, err)
	access, err := r.Issuer.Access(site, r.IssuerURL(site), family.ID, Subject{
		UserID: "ann", Email: "ann@example.org", AppMetadata: map[string]any{"roles": []string{"editor"}},
	})
	check(t, err)
	return family, refresh, access
}

// payload is a part of a token, as JSON.
func payload(t testing.TB, token string, part int) map[string]any {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[part])
	check(t, err)
	var m map[string]any
	check(t, json.Unmarshal(raw, &m))
	return m
}

func TestAccessTokenIsWhatClientsExpect(t *testing.T) {
	r := newRig(t)
	family, _, access := r.start(t, "blog")
	if h := payload(t, access, 0); h["alg"] != "HS256" || h["typ"] != "JWT" || h["kid"] != r.Issuer.kid || len(h) != 3 {
		t.Errorf("header is %v", h)
	}
	c := payload(t, access, 1)
	now := float64(r.clock.Now().Unix())
	for name, want := range map[string]any{
		"sub": "ann", "email": "ann@example.org", "aud": "blog", "exp": now + 3600, "iat": now,
		"iss": "https://cms.example.org/s/blog/.netlify/identity", "session_id": family.ID,
	} {
		if c[name] != want {
			t.Errorf("%s is %v, want %v", name, c[name], want)
		}
	}
	if m, ok := c["user_metadata"].(map[string]any); !ok || len(m) != 0 {
		t.Errorf("user_metadata is %v, want an empty object", c["user_metadata"])
	}
	if _, _, again := r.start(t, "blog"); payload(t, again, 1)["jti"] == c["jti"] {
		t.Error("two tokens have one id")
	}
	p, err := r.withBearer("blog", access)
	check(t, err)
	if p.UserID != "ann" || p.Session != family.ID || len(p.Roles) != 1 || !p.Expires.Equal(r.clock.Now().Add(AccessLife)) {
		t.Errorf("principal is %+v", p)
	}
}

func TestAccessTokenEnds(t *testing.T) {
	r := newRig(t)
	_, _, access := r.start(t, "blog")
	r.clock.Advance(AccessLife - time.Second)
	_, err := r.withBearer("blog", access)
	check(t, err)
	r.clock.Advance(time.Second)
	_, err = r.withBearer("blog", access)
	wantKind(t, err, fault.Unauthenticated)
}

func TestSigningOutEndsAccessTokens(t *testing.T) {
	r := newRig(t)
	_, refresh, access := r.start(t, "blog")
	_, _, elsewhere := r.start(t, "shop")
	cookie := r.signIn(t, nil)
	check(t, r.Issuer.SignOut(t.Context(), "ann", "blog"))
	_, err := r.withBearer("blog", access)
	wantKind(t, err, fault.Unauthenticated)
	_, _, err = r.Issuer.Refresh(t.Context(), refresh, "blog", tab)
	wantKind(t, err, fault.Unauthenticated)
	_, err = r.withBearer("shop", elsewhere)
	check(t, err)
	_, err = r.withCookie("blog", cookie)
	check(t, err)
}

func TestForgedTokens(t *testing.T) {
	r := newRig(t)
	family, _, good := r.start(t, "blog")
	browser := r.signIn(t, nil)
	seen, err := r.withCookie("blog", browser)
	check(t, err)
	check(t, r.store.AddUser(t.Context(), store.User{ID: "bob", Email: "bob@example.org"}))

	// sign makes a token with our own key, whose claims and header differ from
	// a good one as told; a nil value leaves the claim out.
	sign := func(method jwt.SigningMethod, key any, header, claims map[string]any) string {
		c := jwt.MapClaims(payload(t, good, 1))
		for k, v := range claims {
			if c[k] = v; v == nil {
				delete(c, k)
			}
		}
		x := jwt.NewWithClaims(method, c)
		x.Header["kid"] = r.Issuer.kid
		for k, v := range header {
			if x.Header[k] = v; v == nil {
				delete(x.Header, k)
			}
		}
		s, err := x.SignedString(key)
		check(t, err)
		return s
	}
	own := func(claims map[string]any) string { return sign(jwt.SigningMethodHS256, r.Issuer.key, nil, claims) }
	if _, err := r.withBearer("blog", own(nil)); err != nil {
		t.Fatalf("the token that the forgeries start from is refused: %v", err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	parts := strings.Split(good, ".")
	now := r.clock.Now()
	_, _, shop := r.start(t, "shop")

	for name, token := range map[string]string{
		"alg none":                 sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, nil, nil),
		"alg none in capitals":     base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"NONE","typ":"JWT","kid":"`+r.Issuer.kid+`"}`)) + "." + parts[1] + ".",
		"alg HS384 with our key":   sign(jwt.SigningMethodHS384, r.Issuer.key, nil, nil),
		"alg RS256":                sign(jwt.SigningMethodRS256, rsaKey, nil, nil),
		"another key":              sign(jwt.SigningMethodHS256, []byte("0123456789abcdef0123456789abcdef"), nil, nil),
		"an empty key":             sign(jwt.SigningMethodHS256, []byte{}, nil, nil),
		"another kid":              sign(jwt.SigningMethodHS256, r.Issuer.key, map[string]any{"kid": "other"}, nil),
		"no kid":                   sign(jwt.SigningMethodHS256, r.Issuer.key, map[string]any{"kid": nil}, nil),
		"no signature":             parts[0] + "." + parts[1] + ".",
		"changed signature":        good[:len(good)-2] + "AA",
		"padding":                  good + "=",
		"a fourth part":            good + ".AAAA",
		"another site's":           shop,
		"another issuer":           own(map[string]any{"iss": r.IssuerURL("shop")}),
		"no issuer":                own(map[string]any{"iss": nil}),
		"another audience":         own(map[string]any{"aud": "shop"}),
		"no audience":              own(map[string]any{"aud": nil}),
		"a list as audience":       own(map[string]any{"aud": []string{"blog", "shop"}}),
		"no expiry":                own(map[string]any{"exp": nil}),
		"expiry zero":              own(map[string]any{"exp": 0}),
		"expiry as text":           own(map[string]any{"exp": "9999999999"}),
		"expired":                  own(map[string]any{"exp": now.Add(-time.Second).Unix()}),
		"made tomorrow":            own(map[string]any{"iat": now.Add(24 * time.Hour).Unix()}),
		"the system user":          own(map[string]any{"sub": "0"}),
		"another person's session": own(map[string]any{"sub": "bob"}),
		"no subject":               own(map[string]any{"sub": nil}),
		"no session":               own(map[string]any{"session_id": nil}),
		"an unknown session":       own(map[string]any{"session_id": newID()}),
		"a browser's session":      own(map[string]any{"session_id": seen.Session}),
		"far too large":            own(map[string]any{"email": strings.Repeat("x", maxAccess)}),
	} {
		t.Run(name, func(t *testing.T) {
			if p, err := r.withBearer("blog", token); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("let in as %+v (%v)", p, err)
			}
		})
	}
	if _, err := r.withBearer("blog", good); err != nil {
		t.Errorf("the good token fails after the bad ones: %v", err)
	}
	_ = family
}

// Decoding into claims that were used before keeps what the new token lacks.
func TestTokenWithoutExpiryAfterOneWithIt(t *testing.T) {
	r := newRig(t)
	_, _, good := r.start(t, "blog")
	c := jwt.MapClaims(payload(t, good, 1))
	delete(c, "exp")
	x := jwt.NewWithClaims(jwt.SigningMethodHS256, c)
	x.Header["kid"] = r.Issuer.kid
	bad, err := x.SignedString(r.Issuer.key)
	check(t, err)
	for range 3 {
		_, err := r.withBearer("blog", good)
		check(t, err)
		_, err = r.withBearer("blog", bad)
		wantKind(t, err, fault.Unauthenticated)
	}
}

func TestKeysSurviveARestart(t *testing.T) {
	r := newRig(t)
	_, refresh, access := r.start(t, "blog")
	again, err := NewIssuer(t.Context(), r.store)
	check(t, err)
	again.Now = r.clock.Now
	r.Issuer = again
	_, err = r.withBearer("blog", access)
	check(t, err)
	_, _, err = again.Refresh(t.Context(), refresh, "blog", tab)
	check(t, err)
}

func TestBearerHeader(t *testing.T) {
	for header, want := range map[string]string{
		"Bearer abc": "abc", "bearer abc": "abc", "Bearer": "", "Bearer ": "", "Bearer a b": "", "Basic abc": "", "": "", "Bearerabc": "",
	} {
		if got, ok := BearerToken(header); got != want || ok != (want != "") {
			t.Errorf("BearerToken(%q) is %q, %v", header, got, ok)
		}
	}
}

func FuzzAccessToken(f *testing.F) {
	r := newRig(f)
	family, _, good := r.start(f, "blog")
	f.Add(good)
	f.Add("a.b.c")
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := r.Issuer.verify(token, "blog", r.IssuerURL("blog"))
		if err == nil && (token != good || c.Session != family.ID) {
			t.Fatalf("%q is accepted", token)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	r := newRig(b)
	_, _, access := r.start(b, "blog")
	for b.Loop() {
		if _, err := r.Issuer.verify(access, "blog", r.IssuerURL("blog")); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBearer(b *testing.B) {
	r := newRig(b)
	_, _, access := r.start(b, "blog")
	for b.Loop() {
		if _, err := r.Bearer(b.Context(), access, "blog"); err != nil {
			b.Fatal(err)
		}
	}
}
