// Command serve starts practice hosts on loopback, for tests in other languages
// and for trying things out. It prints one line of JSON with what there is to
// know about them, and ends when its standard input does, or on SIGTERM.
//
//	go run ./test/fakes/serve --dir /tmp/hosts --redirect http://127.0.0.1:8484/callback/github </dev/tty
//
// Each host has the people ada, ben and cleo and the repository meadow/site,
// which ada and ben may write to; meadow/notes is the same in private. With
// --control, POST and GET /-/control at each host sets faults and tells what
// happened.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"gatehouse/test/fakes/github"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	dir       string
	hosts     []string
	redirects []string
	seed      string
	addr      map[string]string // kind → address to listen on
	control   bool
	expiring  bool
}

func parse(args []string) (options, error) {
	o := options{addr: map[string]string{}}
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.StringVar(&o.dir, "dir", "", "directory for the repositories, new or empty (needed)")
	hosts := f.String("hosts", strings.Join(kinds(), ","), "which to start")
	f.StringVar(&o.seed, "seed", "", "directory whose files the repositories begin with, beside the usual ones")
	f.BoolVar(&o.control, "control", false, "mount /-/control, which tells secrets")
	f.BoolVar(&o.expiring, "expiring", false, "GitHub's OAuth app gives tokens of eight hours")
	f.Func("redirect", "callback address to register with every app (repeat it)", func(v string) error {
		o.redirects = append(o.redirects, v)
		return nil
	})
	f.Func("addr", "where a host listens, as github=127.0.0.1:7001 (repeat it); otherwise at a free port of 127.0.0.1", func(v string) error {
		kind, addr, ok := strings.Cut(v, "=")
		if !ok {
			return errors.New("it is KIND=ADDRESS")
		}
		o.addr[kind] = addr
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	o.hosts = strings.Split(*hosts, ",")
	for _, kind := range o.hosts {
		if !slices.Contains(kinds(), kind) {
			return o, fmt.Errorf("%q is none of %s", kind, strings.Join(kinds(), ", "))
		}
	}
	if o.dir == "" {
		return o, errors.New("--dir is needed")
	}
	if len(o.redirects) == 0 {
		o.redirects = []string{"http://127.0.0.1:8484/callback/practice"}
	}
	return o, nil
}

// run serves until ctx or stdin ends.
func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	files, err := seed(o.seed)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var running []*http.Server
	var closers []io.Closer
	defer func() {
		for _, c := range slices.Backward(closers) { // what hangs is let go first
			_ = c.Close()
		}
	}()
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		for _, s := range running {
			_ = s.Close()
		}
	}()
	told := map[string]info{}
	for _, kind := range o.hosts {
		listener, err := listen(ctx, o.addr[kind])
		if err != nil {
			return err
		}
		h, err := start(ctx, kind, "http://"+listener.Addr().String(), o, files)
		if err != nil {
			return errors.Join(err, listener.Close())
		}
		closers = append(closers, h)
		told[kind] = h.info
		s := &http.Server{Handler: h.handler, ReadHeaderTimeout: 10 * time.Second}
		running = append(running, s)
		wg.Go(func() { _ = s.Serve(listener) })
	}
	if err := json.NewEncoder(stdout).Encode(told); err != nil { //nolint:gosec // made for this run, and told to who started it
		return err
	}
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		cancel()
	}()
	<-ctx.Done()
	return nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not on loopback, and anybody may be anybody here", addr)
	}
	return (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
}

// seed is the usual files, and those of a directory above them.
func seed(dir string) (map[string]string, error) {
	files := github.Sample()
	if dir == "" {
		return files, nil
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	err = fs.WalkDir(root.FS(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(path, ".git/") {
			return err
		}
		data, err := fs.ReadFile(root.FS(), path)
		files[filepath.ToSlash(path)] = string(data)
		return err
	})
	return files, err
}
