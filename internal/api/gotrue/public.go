package gotrue

import "net/http"

// settings is what a client may offer. Providers are not here.
func (h *Handler) settings(w http.ResponseWriter, r *http.Request) error {
	type external struct {
		Bitbucket bool `json:"bitbucket"`
		GitHub    bool `json:"github"`
		GitLab    bool `json:"gitlab"`
		Google    bool `json:"google"`
		Facebook  bool `json:"facebook"`
		Email     bool `json:"email"`
		SAML      bool `json:"saml"`
	}
	policy, err := h.Identity.Policy(r.Context(), h.Site)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, struct {
		External       external       `json:"external"`
		ExternalLabels map[string]any `json:"external_labels"`
		DisableSignup  bool           `json:"disable_signup"`
		Autoconfirm    bool           `json:"autoconfirm"`
	}{
		External: external{Email: !policy.PasswordOff}, ExternalLabels: map[string]any{},
		DisableSignup: !policy.Open() || policy.PasswordOff, Autoconfirm: policy.Autoconfirm,
	})
}

func (h *Handler) health(w http.ResponseWriter, _ *http.Request) error {
	return reply(w, http.StatusOK, struct {
		Version     string `json:"version"`
		Name        string `json:"name"`
		Description string `json:"description"`
	}{h.Version, "GoTrue", "Gatehouse, speaking GoTrue: accounts and sign-in for a static site"})
}
