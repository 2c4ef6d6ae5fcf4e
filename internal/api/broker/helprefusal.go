package broker

import "gatehouse/internal/provider"

// attempt is the sign-in that a refusal ended, for the words of its page.
type attempt struct {
	HostName  string // "GitHub"
	Repo      string // owner/name; empty: not to be named
	Connector string
	Callback  string // the URL that must be registered at the host
	Host      string // its address
	Chooses   bool   // it lets people choose another account
}

// helpRefusal is the page for what a host has refused, or what the look at the
// person's rights there has shown. It says no more about a repository than the
// host itself told this person.
func helpRefusal(r *provider.Refusal, a attempt) Help {
	a.HostName = orHost(a.HostName)
	var h Help
	switch r.Reason {
	case provider.Cancelled:
		h = helpCancel(a)
	case provider.BadClient:
		h = helpClient(a)
	case provider.Scope:
		h = helpScope(a, r.Link)
	case provider.OrgApproval:
		h = helpOrgApproval(a, r)
	case provider.NotInstalled:
		h = helpNotInstalled(a, r.Link)
	case provider.SSO:
		h = helpSSO(r.Link)
	case provider.NoWrite:
		h = helpNoWrite(a, r.Login)
	case provider.BadCode, provider.Dead, provider.Upstream:
		h = helpUpstream(a.HostName)
	default:
		h = helpUpstream(a.HostName)
	}
	h.Login = r.Login
	return h
}

func helpCancel(a attempt) Help {
	return Help{
		ID:       "E-cancel",
		Title:    "Not signed in",
		Sentence: "The sign-in was cancelled at " + a.HostName + ".",
		Action:   "Go back to the editor, or try once more.",
		Retry:    true,
	}
}

func helpClient(a attempt) Help {
	return Help{
		ID:       "E-client",
		Title:    "The app is not accepted",
		Sentence: "The app that people are signed in with is not accepted by " + a.HostName + ".",
		Action:   "Whoever runs Gatehouse has to compare the connector “" + a.Connector + "” with the app at " + a.HostName + ": its id, its secret, and this callback URL.",
		Config:   a.Callback,
	}
}

func helpScope(a attempt, link string) Help {
	return Help{
		ID:       "E-scope",
		Title:    "One permission is missing",
		Sentence: "Fewer permissions were given at " + a.HostName + " than the editor needs to save your work.",
		Action:   "Sign in once more and leave all the permissions in place.",
		Link:     newLink("Look at the permissions", link),
		Retry:    true,
	}
}

// helpOrgApproval says no more than the host did: an organisation that has not
// approved the app, a person who is not let in, and a repository that does not
// exist are all one to it, where the repository is private.
func helpOrgApproval(a attempt, r *provider.Refusal) Help {
	h := Help{
		ID:       "E-org-approval",
		Title:    "An owner has to agree",
		Sentence: "The organisation that the site's repository belongs to has not approved this sign-in yet.",
		Action:   "Ask an owner of the organisation to approve the app at " + a.HostName + ", then try again.",
		Link:     newLink("Open the app's access page", r.Link),
		Retry:    true,
	}
	if r.Guess {
		h.Title = "The repository is out of sight"
		h.Sentence = "The site's repository is not shown to this account by " + a.HostName + "."
		if r.Login != "" {
			h.Sentence = "You are signed in as " + r.Login + ", and the site's repository is not shown to this account by " + a.HostName + "."
		}
		h.Action = "Ask an owner of the organisation to let this account in and to approve the app, or use another account. If nobody gets in, whoever runs Gatehouse has to compare the name of the repository."
		h.Switch = a.Chooses
	}
	return h
}

func helpNotInstalled(a attempt, link string) Help {
	return Help{
		ID:       "E-not-installed",
		Title:    "The app is not installed",
		Sentence: "The app that people are signed in with is not installed on the site's repository.",
		Action:   "Install it" + on(a.Repo) + ", or ask an owner of the repository to do so, then try again.",
		Link:     newLink("Install the app", link),
		Retry:    true,
	}
}

func helpSSO(link string) Help {
	return Help{
		ID:       "E-sso",
		Title:    "Single sign-on first",
		Sentence: "The organisation that the site's repository belongs to wants you to go through its single sign-on.",
		Action:   "Do that in a second window, then come back here and try again.",
		Link:     newLink("Open the single sign-on", link),
		Retry:    true,
	}
}

func helpNoWrite(a attempt, login string) Help {
	h := Help{
		ID:       "E-no-write",
		Title:    "This account may not write",
		Sentence: "At " + a.HostName + " this account may not change the site's repository.",
		Action:   "Use another account, or ask an owner of the repository to let this one write.",
		Switch:   true,
	}
	if !a.Chooses { // it would go straight on with the same account
		h.Action = "Sign out at " + a.HostName + " and try again with another account, or ask an owner of the repository to let this one write."
		h.Link = newLink("Open "+a.HostName, a.Host)
		h.Switch, h.Retry = false, true
	}
	if login != "" {
		h.Sentence = "At " + a.HostName + " you are signed in as " + login + ", and this account may not change the site's repository."
	}
	return h
}

func on(repo string) string {
	if repo == "" {
		return ""
	}
	return " on " + repo
}
