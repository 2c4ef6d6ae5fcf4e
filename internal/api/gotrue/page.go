package gotrue

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"gatehouse/internal/identity"
)

// perPage is GoTrue's page, and the bound of one.
const (
	perPage    = 50
	maxPerPage = 1000
)

// pageOf is the part of a list that a request asks for: page, per_page, filter,
// and sort, which is a field and a direction.
func pageOf(r *http.Request) (p identity.Page, err error) {
	q := r.URL.Query()
	if p.Page, err = positive(q.Get("page"), 1, 1<<20); err != nil {
		return p, err
	}
	if p.Per, err = positive(q.Get("per_page"), perPage, 1<<20); err != nil {
		return p, err
	}
	p.Per, p.Filter = min(p.Per, maxPerPage), q.Get("filter")
	field, direction, _ := strings.Cut(q.Get("sort"), " ")
	switch field {
	case "":
		p.Sort = identity.SortCreated
	case identity.SortCreated, identity.SortEmail, identity.SortName:
		p.Sort = field
	default:
		return p, apiError{Code: http.StatusBadRequest, Msg: fmt.Sprintf("Bad Sort Parameters: bad field for sort '%s'", field)}
	}
	switch strings.ToLower(direction) {
	case "", "desc":
		p.Down = true
	case "asc":
	default:
		return p, apiError{Code: http.StatusBadRequest, Msg: fmt.Sprintf("Bad Sort Parameters: bad direction for sort '%s', only 'asc' and 'desc' allowed", direction)}
	}
	return p, nil
}

func positive(text string, unsaid, most int) (int, error) {
	if text == "" {
		return unsaid, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, apiError{Code: http.StatusBadRequest, Msg: "Bad Pagination Parameters: page and per_page are numbers from 1"}
	}
	return n, nil
}

// paginate says in the answer's header how many there are, and where the next
// and the last page are: the path that was asked for, with the prefix that the
// client sees.
func paginate(w http.ResponseWriter, r *http.Request, p identity.Page, total int) {
	last := max(1, (total+p.Per-1)/p.Per)
	here := r.URL
	if asked, err := url.ParseRequestURI(r.RequestURI); err == nil {
		here = asked
	}
	link := func(page int, rel string) string {
		q := here.Query()
		q.Set("page", strconv.Itoa(page))
		to := url.URL{Path: here.Path, RawQuery: q.Encode()}
		return "<" + to.String() + `>; rel="` + rel + `"`
	}
	links := link(last, "last")
	if p.Page < last {
		links = link(p.Page+1, "next") + ", " + links
	}
	w.Header().Set("Link", links)
	w.Header().Set("X-Total-Count", strconv.Itoa(total))
}
