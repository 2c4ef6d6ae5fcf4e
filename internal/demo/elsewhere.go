package demo

import (
	"context"
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"gatehouse/internal/fault"
	"gatehouse/internal/git"
)

// elsewhere is what of the demo is not Gatehouse: practice Git hosts, and CMS
// pages on origins of their own. Everything listens on 127.0.0.1.
type elsewhere struct {
	dir   string // DIR/hosts
	hosts []*practice
	// Broken is the origin of a CMS page that nobody can sign in at, and
	// BrokenFile its configuration, to be mended.
	Broken, BrokenFile string

	listeners map[string]net.Listener // by name, until they are served
	running   []*http.Server
	serving   sync.WaitGroup
	repos     []*git.Repo
	ends      []func() error
}

// listenElsewhere takes all ports, the former ones where they are free.
func listenElsewhere(ctx context.Context, dir string, former map[string]int) (*elsewhere, error) {
	e := &elsewhere{
		dir: filepath.Join(dir, "hosts"), hosts: practices(),
		BrokenFile: filepath.Join(dir, "hosts", "broken.yml"), listeners: map[string]net.Listener{},
	}
	for _, name := range e.names() {
		l, err := listenAgain(ctx, former[name])
		if err != nil {
			return e, fault.Wrap(fault.Unavailable, err, "The demo finds no free port on 127.0.0.1 for its practice hosts.")
		}
		e.listeners[name] = l
	}
	for _, p := range e.hosts {
		p.URL, p.Page = e.origin(p.Kind), e.origin(p.Kind+"-page")
	}
	e.Broken = e.origin(brokenPage)
	// It works on the first site: once mended, people sign in there, too.
	e.hosts[0].Dev = append(e.hosts[0].Dev, e.Broken)
	return e, nil
}

const brokenPage = "broken-page"

// names are the names of the ports.
func (e *elsewhere) names() []string {
	list := []string{brokenPage}
	for _, p := range e.hosts {
		list = append(list, p.Kind, p.Kind+"-page")
	}
	return list
}

func listenAgain(ctx context.Context, port int) (net.Listener, error) {
	var lc net.ListenConfig
	if port > 0 && port < 1<<16 {
		if l, err := lc.Listen(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil
		}
	}
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

func (e *elsewhere) origin(name string) string { return "http://" + e.listeners[name].Addr().String() }

// ports are the ports that were taken, by name.
func (e *elsewhere) ports() map[string]int {
	all := map[string]int{}
	for name, l := range e.listeners {
		if a, ok := l.Addr().(*net.TCPAddr); ok {
			all[name] = a.Port
		}
	}
	return all
}

// open makes what is missing and answers on all ports. gatehouse is the
// address of the demo.
func (e *elsewhere) open(ctx context.Context, gatehouse string, o Options) error {
	if err := e.seed(ctx, o); err != nil {
		return err
	}
	pages, err := newPages(gatehouse)
	if err != nil {
		return err
	}
	for _, p := range e.hosts {
		host, err := e.host(ctx, p, gatehouse)
		if err != nil {
			return err
		}
		page, err := e.page(ctx, p, pages, o)
		if err != nil {
			return err
		}
		e.serve(p.Kind, host)
		e.serve(p.Kind+"-page", page)
	}
	broken, err := e.broken(pages)
	if err != nil {
		return err
	}
	e.serve(brokenPage, broken)
	return nil
}

// serve answers on one of the ports.
func (e *elsewhere) serve(name string, h http.Handler) {
	s := &http.Server{
		Handler: loopbackOnly(h), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	e.running = append(e.running, s)
	e.serving.Go(func() { _ = s.Serve(e.listeners[name]) }) // it ends with close
}

// patience is how long requests may take to finish when the demo ends.
const patience = 2 * time.Second

// close ends all of it and waits until it has ended.
func (e *elsewhere) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var errs []error
	for _, s := range e.running {
		if err := s.Shutdown(ctx); err != nil {
			errs = append(errs, s.Close())
		}
	}
	for _, l := range e.listeners {
		_ = l.Close() // those that were never served
	}
	e.serving.Wait()
	for _, end := range e.ends {
		errs = append(errs, end())
	}
	for _, r := range e.repos {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// Page is a CMS page elsewhere.
type Page struct{ Host, URL string }

// Elsewhere are the CMS pages to sign in at, and the commands that examine a
// good page and a broken one.
func (d *Demo) Elsewhere() (pages []Page, doctor []string) {
	for _, p := range d.elsewhere.hosts {
		pages = append(pages, Page{p.Title, p.Page + "/admin/"})
	}
	return pages, []string{d.doctor(d.elsewhere.hosts[0].Page), d.doctor(d.elsewhere.Broken)}
}
