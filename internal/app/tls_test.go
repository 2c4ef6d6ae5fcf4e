package app_test

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"gatehouse/internal/app"
)

// A certificate is ordered for the domains in the file, and for no name that a
// client makes up: each order counts against a limit.
func TestNoCertificateForOtherDomains(t *testing.T) {
	dir := plan(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	cfg := load(t, dir, "url: https://cms.example.org\ntls: {domains: [cms.example.org], email: a@example.org}\n"+twoSites)
	if !strings.HasPrefix(cfg.TLS.Cache, dir) {
		t.Errorf("certificates go to %s", cfg.TLS.Cache)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Log: logTo(log), Listener: l})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	if _, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{ServerName: "evil.example", InsecureSkipVerify: true}); err == nil {
		t.Error("a handshake for a domain of nobody's")
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), `host \"evil.example\" not configured`) {
		t.Errorf("refused for another reason:\n%s", log)
	}
}
