package identity

import (
	"context"
	"strings"
	"testing"
	"time"

	"gatehouse/internal/fault"
)

func TestHashIsOfTodaysCostAndVerifies(t *testing.T) {
	h := NewHasher(1, 1)
	text, err := h.Hash(t.Context(), good)
	check(t, err)
	if !strings.HasPrefix(text, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %q", text)
	}
	other, err := h.Hash(t.Context(), good)
	check(t, err)
	if other == text {
		t.Error("the same password has the same hash twice: no salt")
	}
	for password, want := range map[string]bool{good: true, good + " ": false, "": false, strings.ToUpper(good): false} {
		ok, stale, err := h.Verify(t.Context(), text, password)
		if ok != want || stale || err != nil {
			t.Errorf("Verify(%q) is %v, %v, %v; want %v", password, ok, stale, err, want)
		}
	}
}

// The example was made with the reference implementation's parameters in
// another program: argon2id, m=64, t=1, p=1.
func TestForeignHashIsVerifiedAndCalledStale(t *testing.T) {
	p := phc{memory: 64, time: 1, threads: 1, salt: []byte("saltsalt"), hash: make([]byte, 32)}
	p.hash = p.derive(good)
	ok, stale, err := NewHasher(1, 1).Verify(t.Context(), p.String(), good)
	if !ok || !stale || err != nil {
		t.Errorf("Verify is %v, %v, %v; want right and stale", ok, stale, err)
	}
}

func TestComposedAndDecomposedPasswordsAreTheSame(t *testing.T) {
	h := NewHasher(1, 1)
	text, err := h.Hash(t.Context(), "gr\u00f6\u00dfe und ma\u00dfe")
	check(t, err)
	if ok, _, err := h.Verify(t.Context(), text, "gro\u0308\u00dfe und ma\u00dfe"); !ok || err != nil {
		t.Errorf("a password typed on another system is wrong (%v)", err)
	}
}

func TestNoHashIsNeverRight(t *testing.T) {
	h := NewHasher(1, 1)
	for _, stored := range []string{"", "x", "$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA", "$2a$10$abcdefghijklmnopqrstuv"} {
		for _, password := range []string{"", good} {
			if ok, stale, err := h.Verify(t.Context(), stored, password); ok || stale || err != nil {
				t.Errorf("Verify(%q, %q) is %v, %v, %v", stored, password, ok, stale, err)
			}
		}
	}
}

func TestHashesOutOfBoundsAreRefused(t *testing.T) {
	const tail = "$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA"
	if _, err := parsePHC("$argon2id$v=19$m=19456,t=2,p=1" + tail); err != nil {
		t.Fatalf("the sound one is refused: %v", err)
	}
	for _, s := range []string{
		"$argon2i$v=19$m=19456,t=2,p=1" + tail,
		"$argon2id$v=16$m=19456,t=2,p=1" + tail,
		"$argon2id$v=19$m=4294967295,t=2,p=1" + tail,
		"$argon2id$v=19$m=99999999999,t=2,p=1" + tail,
		"$argon2id$v=19$m=19456,t=4000000,p=1" + tail,
		"$argon2id$v=19$m=19456,t=0,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=0" + tail,
		"$argon2id$v=19$m=19456,t=2,p=255" + tail,
		"$argon2id$v=19$m=19456,p=1,t=2" + tail,
		"$argon2id$v=19$m=+19456,t=2,p=1" + tail,
		"$argon2id$v=19$m=019456,t=2,p=1" + tail,
		"$argon2id$v=19$m=19456,t=2,p=1" + tail + "=",
		"$argon2id$v=19$m=19456,t=2,p=1$c2Fs$AAAA",
		"argon2id$v=19$m=19456,t=2,p=1" + tail,
	} {
		if _, err := parsePHC(s); err == nil {
			t.Errorf("%q is accepted", s)
		}
	}
}

func FuzzPHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=8,t=1,p=1$$")
	f.Add("")
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePHC(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Fatalf("%q is read as %q", s, p.String())
		}
		if p.memory > maxHashMemory || p.time > maxHashTime || p.time == 0 || p.threads == 0 || len(p.hash) == 0 {
			t.Fatalf("%q is out of bounds", s)
		}
	})
}

func TestFullQueueIsRefusedAtOnce(t *testing.T) {
	h := NewHasher(1, 1)
	busy, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 2)
	go func() { done <- h.do(context.Background(), func() { close(busy); <-release }) }()
	<-busy
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- h.do(ctx, func() { t.Error("ran though its caller had gone") }) }()
	for h.waiting.Load() < 2 {
		time.Sleep(time.Millisecond)
	}
	_, err := h.Hash(t.Context(), good)
	wantKind(t, err, fault.TooMany)
	cancel()
	if err := <-done; err == nil {
		t.Error("a caller who left got a slot")
	}
	close(release)
	check(t, <-done)
	if _, err := h.Hash(t.Context(), good); err != nil {
		t.Errorf("the queue does not recover: %v", err)
	}
}

func BenchmarkHash(b *testing.B) {
	h := NewHasher(1, 1)
	for b.Loop() {
		if _, err := h.Hash(b.Context(), good); err != nil {
			b.Fatal(err)
		}
	}
}
