package console

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"gatehouse/internal/api"
	"gatehouse/internal/audit"
	"gatehouse/internal/auth"
	"gatehouse/internal/fault"
)

type activityView struct {
	Frame
	Notice       string
	Sites, Kinds []formOption
	Reference    string // that is searched for
	Filtered     bool
	Events       []eventRow
	Older        string // address of the events before these; empty: there are none
	First        bool   // of the pages: the one with Families
	Families     []familyRow
}

// eventRow is an event, as it is shown.
type eventRow struct {
	At, AtText      string
	Word            string // for its kind, in a tag
	Tone            string // class of the tag
	Who             string // the account at the host; empty: not known
	Site            string
	Connector       string
	Meaning         string // of its page, in words
	Page, Reference string
	Origin, Address string
	Detail          string
}

type familyRow struct {
	ID, Person, Site, Connector, Origin string
	Since, SinceText, Used, UsedText    string
}

const (
	eventsPerPage = 50
	mostFamilies  = 200
	// lookBack is how many events are looked through for each connector's latest.
	lookBack = 500
)

func (c *Connectors) signIns(w http.ResponseWriter, r *http.Request, who auth.Principal) {
	q := r.URL.Query()
	view := activityView{Frame: c.Pages.inEnglish(r, who), Reference: strings.TrimSpace(q.Get("id"))}
	if q.Get("done") == "ended" {
		view.Notice = "That sign-in is not renewed any more."
	}
	filter := audit.Filter{Site: q.Get("site"), Kind: q.Get("kind"), Limit: eventsPerPage + 1}
	// What is no number is the first page.
	filter.Before, _ = strconv.ParseInt(q.Get("before"), 10, 64)
	view.Sites, view.Kinds = c.siteFilter(filter.Site), kindFilter(filter.Kind)
	view.Filtered = filter.Site+filter.Kind+view.Reference != "" || filter.Before > 0
	view.First = filter.Before <= 0
	if err := c.fill(r.Context(), &view, filter); err != nil {
		c.Pages.Fail(w, r, err)
		return
	}
	c.Pages.render(w, r, http.StatusOK, "activity", view.Frame, nobody, view)
}

// fill looks the events and the sign-ins that last up.
func (c *Connectors) fill(ctx context.Context, view *activityView, filter audit.Filter) error {
	events, err := c.events(ctx, view.Reference, filter)
	if err != nil {
		return err
	}
	if len(events) > eventsPerPage && view.Reference == "" {
		events = events[:eventsPerPage]
		older := url.Values{"before": {strconv.FormatInt(events[len(events)-1].ID, 10)}}
		for name, value := range map[string]string{"site": filter.Site, "kind": filter.Kind} {
			if value != "" {
				older.Set(name, value)
			}
		}
		view.Older = "/console/sign-ins?" + older.Encode()
	}
	for i := range events {
		view.Events = append(view.Events, *c.event(&events[i]))
	}
	if !view.First {
		return nil
	}
	view.Families, err = c.families(ctx)
	return err
}

// events are those of an error id, or else of a filter.
func (c *Connectors) events(ctx context.Context, reference string, filter audit.Filter) ([]audit.Event, error) {
	if reference != "" {
		return c.Audit.Find(ctx, reference)
	}
	return c.Audit.Recent(ctx, filter)
}

func (c *Connectors) families(ctx context.Context) ([]familyRow, error) {
	holders, err := c.Handles.Families(ctx, mostFamilies)
	if err != nil {
		return nil, err
	}
	rows := make([]familyRow, len(holders))
	for i, h := range holders {
		rows[i] = familyRow{
			ID: h.Family, Person: h.Person, Site: c.siteTitle(h.Site), Connector: h.Connector, Origin: h.Origin,
			Since: h.Created.UTC().Format(time.RFC3339), SinceText: ago(h.Created, c.Now()),
			Used: h.Used.UTC().Format(time.RFC3339), UsedText: ago(h.Used, c.Now()),
		}
	}
	return rows, nil
}

// end counts a sign-in that has ended already, by a second click, as ended.
func (c *Connectors) end(w http.ResponseWriter, r *http.Request, _ auth.Principal) {
	if err := c.Handles.Revoke(r.Context(), r.PostFormValue("family")); err != nil && !fault.Is(err, fault.NotFound) {
		c.Pages.Fail(w, r, err)
		return
	}
	api.Redirect(w, "/console/sign-ins?done=ended", http.StatusSeeOther)
}

// latest is the newest event of a kind for each connector that says something
// about it.
func (c *Connectors) latest(ctx context.Context, kind string) (map[string]*eventRow, error) {
	events, err := c.Audit.Recent(ctx, audit.Filter{Kind: kind, Limit: lookBack})
	if err != nil {
		return nil, err
	}
	newest := map[string]*eventRow{}
	for i := range events {
		if name := events[i].Connector; newest[name] == nil && events[i].Page != pageCancel {
			newest[name] = c.event(&events[i])
		}
	}
	return newest, nil
}

func (c *Connectors) siteFilter(chosen string) []formOption {
	options := make([]formOption, len(c.Sites))
	for i, s := range c.Sites {
		options[i] = formOption{Value: s.Name, Label: c.siteTitle(s.Name), Chosen: s.Name == chosen}
	}
	return options
}
