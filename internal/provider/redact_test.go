package provider

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestPrintedValuesHoldNoSecret(t *testing.T) {
	p, err := New(App{Name: "hub", Kind: GitHub, ClientID: "id", ClientSecret: "hush-secret"})
	if err != nil {
		t.Fatal(err)
	}
	g := Grant{AccessToken: "hush-access", RefreshToken: "hush-refresh"}
	r := AuthRequest{State: "hush-state", Verifier: "hush-verifier"}
	var out bytes.Buffer
	for _, x := range []any{*p, p, p.App, &p.App, g, &g, []Grant{g}, map[string]Grant{"x": g}, struct{ Grant Grant }{g}, r, &r} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
			fmt.Fprintf(&out, verb+"\n", x)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("text", "x", x)
	}
	for _, x := range []any{p, p.App, g, r} {
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "x", x)
	}
	if strings.Contains(out.String(), "hush") || strings.Contains(out.String(), fmt.Sprintf("%x", "hush")) {
		t.Error(out.String())
	}
}
