package provider_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/provider"
)

// check is one row of the tables below.
type check struct {
	answers map[string]http.HandlerFunc
	scope   string // granted
	asked   string
	path    string // empty: team/site
	fork    bool
	want    provider.Reason // empty: may work
	says    string
}

// run checks a row, and that nothing but the table's paths was asked for when
// all went well.
func (c check) run(t *testing.T, kind string, profile provider.Profile, change ...func(*provider.App)) {
	t.Helper()
	h := newHost(t, c.answers)
	path := "team/site"
	if c.path != "" {
		path = c.path
	}
	g := provider.Grant{AccessToken: access, RefreshToken: refresh, Scope: c.scope}
	a, err := h.provider(kind, change...).Check(t.Context(), g, c.asked, provider.Repository{Path: path, AnyoneMayFork: c.fork})
	for _, r := range h.requests() {
		if r.Header.Get("Authorization") != "Bearer "+access || r.Method != http.MethodGet {
			t.Errorf("%s %s with %s", r.Method, r.URL, r.Header.Get("Authorization"))
		}
	}
	if c.want == "" {
		if err != nil || a != (provider.Access{Profile: profile}) {
			t.Errorf("%+v %v\n%s", a, err, strings.Join(h.paths(), "\n"))
		}
		return
	}
	if r := refused(t, err); r.Reason != c.want || !strings.Contains(r.Detail, c.says) || r.Link != "" || a != (provider.Access{}) {
		t.Errorf("%+v\n%s", r, strings.Join(h.paths(), "\n"))
	}
}

func TestCheckAtGitLab(t *testing.T) {
	const user, project, branch = "GET /api/v4/user", "GET /api/v4/projects/team%2Fsite", "GET /api/v4/projects/team%2Fsite/repository/branches/release%2F1"
	me := says(200, `{"id":7,"username":"ada","name":"Ada","email":"ada@example.org","state":"active"}`)
	levels := func(own, group string, shared ...int) http.HandlerFunc {
		var list []string
		for _, s := range shared {
			list = append(list, fmt.Sprintf(`{"group_access_level":%d}`, s))
		}
		return says(200, `{"id":1,"default_branch":"release/1","permissions":{"project_access":`+own+`,"group_access":`+group+`},"shared_with_groups":[`+strings.Join(list, ",")+`]}`)
	}
	level := func(n int) string { return fmt.Sprintf(`{"access_level":%d,"notification_level":3}`, n) }
	ok := func(p http.HandlerFunc) map[string]http.HandlerFunc {
		return map[string]http.HandlerFunc{user: me, project: p, branch: says(200, `{"developers_can_push":true,"developers_can_merge":true}`)}
	}
	for name, c := range map[string]check{
		"developer":                {answers: ok(levels(level(30), "null"))},
		"owner":                    {answers: ok(levels(level(50), "null"))},
		"reporter":                 {answers: ok(levels(level(20), "null")), want: provider.NoWrite, says: "ada may see team/site"},
		"by the group":             {answers: ok(levels("null", level(30)))},
		"reporter of both":         {answers: ok(levels(level(20), level(20))), want: provider.NoWrite},
		"better in the group":      {answers: ok(levels(level(20), level(40)))},
		"nobody there":             {answers: ok(levels("null", "null")), want: provider.NoWrite},
		"nobody, but may fork":     {answers: ok(levels("null", "null")), fork: true},
		"shared with maintainers":  {answers: map[string]http.HandlerFunc{user: me, project: levels("null", "null", 20, 40)}},
		"shared with developers":   {answers: ok(levels("null", "null", 20, 30))},
		"shared with reporters":    {answers: ok(levels("null", "null", 20)), want: provider.NoWrite},
		"shared, branch protected": {answers: map[string]http.HandlerFunc{user: me, project: levels("null", "null", 30), branch: says(200, `{"developers_can_push":false,"developers_can_merge":true}`)}, want: provider.NoWrite},
		"shared, may not merge":    {answers: map[string]http.HandlerFunc{user: me, project: levels("null", "null", 30), branch: says(200, `{"developers_can_push":true,"developers_can_merge":false}`)}, want: provider.NoWrite},
		"shared, no branch":        {answers: map[string]http.HandlerFunc{user: me, project: levels("null", "null", 30)}, want: provider.NoWrite},
		"shared, branch away":      {answers: map[string]http.HandlerFunc{user: me, project: levels("null", "null", 30), branch: hangUp}, want: provider.Upstream},
		"no permissions at all":    {answers: ok(says(200, `{"id":1}`)), want: provider.NoWrite},
		"cannot see it":            {answers: map[string]http.HandlerFunc{user: me, project: says(404, `{"message":"404 Project Not Found"}`)}, want: provider.NoWrite, says: "404 Project"},
		"cannot see it, may fork":  {answers: map[string]http.HandlerFunc{user: me, project: says(404, `{"message":"404 Project Not Found"}`)}, fork: true, want: provider.NoWrite},
		"renamed":                  {answers: map[string]http.HandlerFunc{user: me, project: redirect("/api/v4/projects/9")}, want: provider.NoWrite, says: "renamed"},
		"deeper":                   {answers: map[string]http.HandlerFunc{user: me, "GET /api/v4/projects/a%2Fb%2Fc": levels(level(30), "null")}, path: "a/b/c"},
		"scope granted":            {answers: ok(levels(level(30), "null")), scope: "api", asked: "api"},
		"scope covered":            {answers: ok(levels(level(30), "null")), scope: "api", asked: "api read_user"},
		"scope too small":          {answers: ok(levels(level(30), "null")), scope: "read_api", asked: "api", want: provider.Scope, says: `"api" is missing`},
		"scope too small for this": {answers: map[string]http.HandlerFunc{user: says(403, `{"error":"insufficient_scope","error_description":"The request requires higher privileges","scope":"api read_user"}`)}, want: provider.Scope, says: "higher privileges"},
		"blocked":                  {answers: map[string]http.HandlerFunc{user: says(403, `{"message":"403 Forbidden - Your account has been blocked."}`)}, want: provider.NoWrite, says: "blocked"},
		"token not good":           {answers: map[string]http.HandlerFunc{user: says(401, `{"message":"401 Unauthorized"}`)}, want: provider.Upstream}, //nolint:misspell // as GitLab spells it
		"nobody's token":           {answers: map[string]http.HandlerFunc{user: says(200, `{"id":7}`)}, want: provider.Upstream},
		"a path that cannot be":    {answers: ok(levels(level(30), "null")), path: "team/../site", want: provider.NoWrite, says: `"team/../site"`},
		"a path too short":         {answers: ok(levels(level(30), "null")), path: "site", want: provider.NoWrite},
	} {
		t.Run(name, func(t *testing.T) {
			c.run(t, provider.GitLab, provider.Profile{ID: "7", Login: "ada", Name: "Ada", Email: "ada@example.org"})
		})
	}
}

// A GitLab below a path keeps it in every address.
func TestGitLabBelowAPath(t *testing.T) {
	h := newHost(t, map[string]http.HandlerFunc{
		"GET /git/lab/api/v4/user":                 says(200, `{"id":7,"username":"ada"}`),
		"GET /git/lab/api/v4/projects/team%2Fsite": says(200, `{"permissions":{"project_access":{"access_level":40}}}`),
		"POST /git/lab/oauth/token":                says(200, good),
		"POST /git/lab/oauth/revoke":               says(200, `{}`),
	})
	p := h.provider(provider.GitLab, func(a *provider.App) { a.URL += "/git/lab/" })
	g, err := exchange(t, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Check(t.Context(), g, "", provider.Repository{Path: "team/site"}); err != nil {
		t.Error(err)
	}
	if err := p.Revoke(t.Context(), g); err != nil {
		t.Error(err)
	}
	if u := p.AuthCodeURL(provider.AuthRequest{State: "s"}); !strings.HasPrefix(u, h.URL+"/git/lab/oauth/authorize?") {
		t.Error(u)
	}
}

func TestCheckAtBitbucket(t *testing.T) {
	const (
		user, repo  = "GET /2.0/user", "GET /2.0/repositories/team/site"
		list        = "GET /2.0/repositories/team?pagelen=10&q=full_name%3D%22team%2Fsite%22&role="
		contributor = list + "contributor"
		admin       = list + "admin"
	)
	me := says(200, `{"uuid":"{0344}","account_id":"557058:f3","nickname":"ada","display_name":"Ada L.","links":{}}`)
	mine, none := says(200, `{"values":[{"full_name":"Team/Site"}]}`), says(200, `{"values":[]}`)
	lacks := says(403, `{"type":"error","error":{"message":"Your credentials lack one or more required privilege scopes.","detail":{"granted":["account"],"required":["repository"]}}}`)
	forbidden := says(403, `{"type":"error","error":{"message":"Access denied"}}`)
	for name, c := range map[string]check{
		"may write":                {answers: map[string]http.HandlerFunc{user: me, contributor: mine}, scope: "account repository:write"},
		"scopes not told":          {answers: map[string]http.HandlerFunc{user: me, contributor: mine}},
		"by pullrequest:write":     {answers: map[string]http.HandlerFunc{user: me, contributor: mine}, scope: "pullrequest:write account"},
		"administrator":            {answers: map[string]http.HandlerFunc{user: me, contributor: none, admin: mine}},
		"another's in the list":    {answers: map[string]http.HandlerFunc{user: me, contributor: says(200, `{"values":[{"full_name":"team/site-2"}]}`), admin: none, repo: says(200, `{}`)}, want: provider.NoWrite},
		"reader":                   {answers: map[string]http.HandlerFunc{user: me, contributor: none, admin: none, repo: says(200, `{"full_name":"team/site"}`)}, want: provider.NoWrite, says: "ada may see team/site"},
		"reader who may fork":      {answers: map[string]http.HandlerFunc{user: me, repo: says(200, `{"full_name":"team/site"}`)}, fork: true},
		"stranger":                 {answers: map[string]http.HandlerFunc{user: me, contributor: forbidden, repo: forbidden}, want: provider.NoWrite, says: "Access denied"},
		"stranger, nothing there":  {answers: map[string]http.HandlerFunc{user: me}, want: provider.NoWrite, says: "404"},
		"stranger who may fork":    {answers: map[string]http.HandlerFunc{user: me}, fork: true, want: provider.NoWrite},
		"consumer may only read":   {answers: map[string]http.HandlerFunc{user: me, contributor: mine}, scope: "account repository", want: provider.Scope, says: `"repository:write" is missing`},
		"consumer without account": {answers: map[string]http.HandlerFunc{user: lacks}, want: provider.Scope, says: "privilege scopes"},
		"token expired":            {answers: map[string]http.HandlerFunc{user: says(401, `{"type":"error","error":{"message":"Access token expired. Use your refresh token to obtain a new access token."}}`)}, want: provider.Upstream, says: "expired"},
		"rate limit":               {answers: map[string]http.HandlerFunc{user: me, contributor: says(429, `Rate limit for this resource has been exceeded`)}, want: provider.Upstream, says: "429"},
		"the list is away":         {answers: map[string]http.HandlerFunc{user: me, contributor: says(503, ``)}, want: provider.Upstream},
		"the call is gone":         {answers: map[string]http.HandlerFunc{user: me, contributor: says(410, `{"type":"error","error":{"message":"CHANGE-2770"}}`)}, want: provider.NoWrite, says: "CHANGE-2770"},
		"nobody's token":           {answers: map[string]http.HandlerFunc{user: says(200, `{"nickname":"ada"}`)}, want: provider.Upstream},
		"a quote in the path":      {answers: map[string]http.HandlerFunc{user: me}, path: `team/site" OR name~"`, want: provider.NoWrite},
	} {
		t.Run(name, func(t *testing.T) {
			c.run(t, provider.Bitbucket, provider.Profile{ID: "{0344}", Login: "ada", Name: "Ada L."})
		})
	}
}

// The field was called scopes until 2026, and may be it again.
func TestScopeAtBitbucket(t *testing.T) {
	for _, field := range []string{"scope", "scopes"} {
		h := newHost(t, map[string]http.HandlerFunc{"POST /site/oauth2/access_token": says(200, `{"access_token":"a","`+field+`":"account repository:write","expires_in":7200,"token_type":"bearer"}`)})
		if g, err := exchange(t, h.provider(provider.Bitbucket)); err != nil || g.Scope != "account repository:write" {
			t.Errorf("%s: %+v %v", field, g, err)
		}
	}
}

func TestCheckAtGitea(t *testing.T) {
	const user, repo = "GET /api/v1/user", "GET /api/v1/repos/team/site"
	me := says(200, `{"id":7,"login":"ada","login_name":"","full_name":"Ada","email":"ada@noreply.example.org"}`)
	may := func(push bool) http.HandlerFunc {
		return says(200, fmt.Sprintf(`{"id":3,"full_name":"team/site","permissions":{"admin":false,"push":%v,"pull":true}}`, push))
	}
	for name, c := range map[string]check{
		"may push":            {answers: map[string]http.HandlerFunc{user: me, repo: may(true)}, asked: "read:user write:repository"},
		"may only read":       {answers: map[string]http.HandlerFunc{user: me, repo: may(false)}, want: provider.NoWrite, says: "ada may see"},
		"may read and fork":   {answers: map[string]http.HandlerFunc{user: me, repo: may(false)}, fork: true},
		"cannot see it":       {answers: map[string]http.HandlerFunc{user: me}, want: provider.NoWrite, says: "404"},
		"renamed":             {answers: map[string]http.HandlerFunc{user: me, repo: redirect("/api/v1/repos/team/new")}, want: provider.NoWrite, says: "renamed"},
		"everything granted":  {answers: map[string]http.HandlerFunc{user: me, repo: may(true)}, scope: "all", asked: "read:user write:repository"},
		"less granted":        {answers: map[string]http.HandlerFunc{user: me}, scope: "read:user read:repository", asked: "read:user write:repository", want: provider.Scope, says: `"write:repository" is missing`},
		"scope refused later": {answers: map[string]http.HandlerFunc{user: says(403, `{"message":"token does not have at least one of required scope(s), required=[read:user], token scope=write:repository"}`)}, want: provider.Scope},
		"sign-in prohibited":  {answers: map[string]http.HandlerFunc{user: says(403, `{"message":"This account is prohibited from signing in"}`)}, want: provider.NoWrite, says: "prohibited"},
		"nobody's token":      {answers: map[string]http.HandlerFunc{user: says(200, `{"login":"ada"}`)}, want: provider.Upstream},
		"down":                {answers: map[string]http.HandlerFunc{user: me, repo: says(503, ``)}, want: provider.Upstream},
		"too deep a path":     {answers: map[string]http.HandlerFunc{user: me}, path: "team/sub/site", want: provider.NoWrite},
	} {
		for _, kind := range []string{provider.Gitea, provider.Forgejo} {
			t.Run(kind+" "+name, func(t *testing.T) {
				c.run(t, kind, provider.Profile{ID: "7", Login: "ada", Name: "Ada", Email: "ada@noreply.example.org"})
			})
		}
	}
}

// A check as a whole ends, too, however the host dribbles.
func TestChecksEnd(t *testing.T) {
	silent := make(chan struct{})
	h := newHost(t, map[string]http.HandlerFunc{
		"GET /api/v1/user": says(200, `{"id":7,"login":"ada"}`),
		"GET /api/v1/repos/team/site": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			<-silent
		},
	})
	defer close(silent)
	p := h.provider(provider.Gitea)
	p.SetPatience(20 * time.Millisecond)
	_, err := p.Check(t.Context(), provider.Grant{AccessToken: access}, "", provider.Repository{Path: "team/site"})
	if r := refused(t, err); r.Reason != provider.Upstream || !strings.Contains(r.Detail, "no answer in time") {
		t.Error(r)
	}
}
