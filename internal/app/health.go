package app

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/fault"
)

// ready answers whether requests can be served: the database answers, and so
// does every repository. The names of sites that do not are for the log.
func (a *App) ready(w http.ResponseWriter, r *http.Request, h *house) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	err := a.check(ctx, h)
	if err != nil {
		a.log.ErrorContext(ctx, "not ready", "error", err)
		api.WriteJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable"})
		return
	}
	api.WriteJSON(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (a *App) check(ctx context.Context, h *house) error {
	if _, err := a.Identity.Count(ctx); err != nil {
		return err
	}
	for _, s := range h.sites {
		if s.repo == nil {
			continue
		}
		// A site with a branch of its own does not need HEAD to be on one.
		if _, err := s.repo.Branch(ctx); err != nil && !fault.Is(err, fault.Unsupported) {
			return siteError(h.config.File, s.Name, err)
		}
	}
	return nil
}

// clientAddr is where a request comes from; proxies are behind us already.
func clientAddr(r *http.Request) netip.Addr { return api.ClientAddr(r, nil) }
