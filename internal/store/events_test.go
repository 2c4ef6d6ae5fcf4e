package store

import (
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEventsRoundTrip(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		want := Event{
			At: c.Now(), Kind: "sign-in", Site: "blog", Connector: "hub", Page: "E-x", Reference: "ref1", Person: "ann",
			Origin: "https://www.example.com", Address: "192.0.2.1", Detail: "all went well", Expires: 8 * time.Hour,
		}
		check(t, s.AddEvent(ctx, want))
		check(t, s.AddEvent(ctx, Event{Kind: "failure", Site: "blog", Reference: "ref2"}))
		check(t, s.AddEvent(ctx, Event{Kind: "failure", Site: "shop"}))
		for name, test := range map[string]struct {
			filter EventFilter
			want   []int64
		}{
			"all":       {EventFilter{Limit: 10}, []int64{3, 2, 1}},
			"some":      {EventFilter{Limit: 2}, []int64{3, 2}},
			"none":      {EventFilter{}, nil},
			"before":    {EventFilter{Before: 3, Limit: 10}, []int64{2, 1}},
			"site":      {EventFilter{Site: "blog", Limit: 10}, []int64{2, 1}},
			"kind":      {EventFilter{Kind: "failure", Limit: 10}, []int64{3, 2}},
			"both":      {EventFilter{Kind: "failure", Site: "blog", Before: 3, Limit: 10}, []int64{2}},
			"reference": {EventFilter{Reference: "ref1", Limit: 10}, []int64{1}},
			"unknown":   {EventFilter{Reference: "ref", Limit: 10}, nil},
		} {
			list, err := s.Events(ctx, test.filter)
			check(t, err)
			var ids []int64
			for _, e := range list {
				ids = append(ids, e.ID)
			}
			if d := cmp.Diff(test.want, ids); d != "" {
				t.Errorf("%s (-want +got):\n%s", name, d)
			}
		}
		want.ID = 1
		list, err := s.Events(ctx, EventFilter{Kind: "sign-in", Limit: 1})
		if d := cmp.Diff([]Event{want}, list); d != "" || err != nil {
			t.Errorf("event differs (%v; -want +got):\n%s", err, d)
		}
	})
}

func TestEventsAreFoundByAnIndex(t *testing.T) {
	s, _ := open(t, Memory)
	for index, f := range map[string]EventFilter{
		"events_site": {Site: "blog"}, "events_kind": {Kind: "failure"}, "events_reference": {Reference: "r"},
	} {
		where, args := f.where()
		var id, parent, unused int
		var plan string
		check(t, s.read.QueryRow(`EXPLAIN QUERY PLAN SELECT * FROM events WHERE `+where+` ORDER BY id DESC LIMIT $1`, args...).Scan(&id, &parent, &unused, &plan))
		if !strings.Contains(plan, index+" ") {
			t.Errorf("the plan is %q, not by %s", plan, index)
		}
	}
}

func TestEventsAreBounded(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		fill := func(from, n int) {
			t.Helper()
			_, err := s.write.Exec(`
				WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)
				INSERT INTO events (`+eventColumns+`) SELECT i, $3, 'failure', '', '', '', '', '', '', '', '', '', 0 FROM n`, from, from+n, ms(c.Now()))
			check(t, err)
		}
		count := func(want int) {
			t.Helper()
			var n int
			check(t, s.read.QueryRow(`SELECT count(*) FROM events`).Scan(&n))
			if n != want {
				t.Errorf("%d events, want %d", n, want)
			}
		}
		// Ids do for a count, so most of the rows between need not be there.
		fill(1, 1010)
		fill(maxEvents+998, 1)
		check(t, s.AddEvent(ctx, Event{At: c.Now()}))
		count(1012)
		check(t, s.AddEvent(ctx, Event{At: c.Now()}))
		count(13)
		check(t, s.AddEvent(ctx, Event{At: c.Now().Add(time.Second)}))
		check(t, s.Sweep(ctx, c.Now()))
		count(13)
		check(t, s.Sweep(ctx, c.Now().Add(eventLife)))
		count(1)
		check(t, s.Sweep(ctx, c.Now().Add(eventLife+time.Hour)))
		count(0)
		check(t, s.AddEvent(ctx, Event{At: c.Now()}))
		count(1)
	})
}

func TestNoiseDoesNotPushSignInsOut(t *testing.T) {
	once(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		const bound = 1000
		check(t, s.AddEvent(ctx, Event{At: c.Now(), Kind: "sign-in", Person: "ann"}))
		fill := func(kind string, from int) {
			t.Helper()
			_, err := s.write.Exec(`
				WITH RECURSIVE n (i) AS (SELECT CAST($1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $2)
				INSERT INTO events (`+eventColumns+`) SELECT i, $3, $4, '', '', '', '', '', '', '', '', '', 0 FROM n`, from, from+bound, ms(c.Now()), kind)
			check(t, err)
			check(t, s.tx(ctx, func(tx *sql.Tx) error { return boundEvents(ctx, tx, bound) }))
		}
		count := func(want int) {
			t.Helper()
			var n int
			check(t, s.read.QueryRow(`SELECT count(*) FROM events`).Scan(&n))
			if n != want {
				t.Errorf("%d events, want %d", n, want)
			}
		}
		fill("failure", 2)
		count(bound + 1)
		if signIns, err := s.Events(ctx, EventFilter{Kind: "sign-in", Limit: 10}); err != nil || len(signIns) != 1 || signIns[0].Person != "ann" {
			t.Errorf("%v %v", signIns, err)
		}
		fill("sign-in", bound+2) // and no end of those neither
		count(bound)
	})
}

func TestManyWriteEventsAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s *Store, c *clock) {
		ctx := t.Context()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				if err := s.AddEvent(ctx, Event{At: c.Now(), Detail: fmt.Sprint(i)}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		list, err := s.Events(ctx, EventFilter{Limit: 100})
		if err != nil || len(list) != 16 || list[0].ID != 16 {
			t.Errorf("%d events (%v)", len(list), err)
		}
	})
}
