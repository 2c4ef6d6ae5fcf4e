package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"gatehouse/internal/fault"
)

// phc is a password hash with all that is needed to make it again. Its text is
// the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>.
type phc struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
	salt    []byte
	hash    []byte
}

// The cost of a hash today: about 50 ms and 19 MiB. A password that was hashed
// at another cost is hashed anew when it is next used.
const (
	hashMemory  = 19 << 10
	hashTime    = 2
	hashThreads = 1
	saltLength  = 16
	hashLength  = 32
)

// Bounds of what is verified, so that a stored text cannot ask for all memory.
const (
	maxHashMemory = 256 << 10
	maxHashTime   = 16
)

func (p phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return "$argon2id$v=" + strconv.Itoa(argon2.Version) +
		"$m=" + strconv.FormatUint(uint64(p.memory), 10) +
		",t=" + strconv.FormatUint(uint64(p.time), 10) +
		",p=" + strconv.FormatUint(uint64(p.threads), 10) +
		"$" + b64(p.salt) + "$" + b64(p.hash)
}

var errPHC = errors.New("not an Argon2id hash in PHC format within bounds")

// parsePHC reads a PHC string of Argon2id. There is one spelling of each hash;
// any other is refused.
func parsePHC(s string) (phc, error) {
	parts := strings.Split(s, "$")
	if len(s) > 512 || len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	costs := strings.Split(parts[3], ",")
	if len(costs) != 3 {
		return phc{}, errPHC
	}
	var n [3]uint64
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(costs[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil {
			return phc{}, errPHC
		}
		n[i] = v
	}
	if n[0] < 8*n[2] || n[0] > maxHashMemory || n[1] < 1 || n[1] > maxHashTime || n[2] < 1 || n[2] > 16 {
		return phc{}, errPHC
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	hash, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(hash) < 16 || len(hash) > 64 {
		return phc{}, errPHC
	}
	p := phc{memory: uint32(n[0]), time: uint32(n[1]), threads: uint8(n[2]), salt: salt, hash: hash}
	if p.String() != s {
		return phc{}, errPHC
	}
	return p, nil
}

func (p phc) derive(password string) []byte {
	// The same characters typed on another system may come in other bytes.
	return argon2.IDKey([]byte(norm.NFC.String(password)), p.salt, p.time, p.memory, p.threads, uint32(len(p.hash)))
}

// Hasher hashes passwords, a few at a time: each needs 19 MiB and a processor,
// and editors' reads must go on meanwhile. Who finds the queue full is told to
// come back.
type Hasher struct {
	slots   chan struct{}
	waiting atomic.Int64
	queue   int64
	cost    phc          // of new hashes
	done    atomic.Int64 // hashes made
}

// NewHasher makes a hasher with slots at work and queue more waiting. Zero slots
// means one fewer than there are processors, but one at least; zero queue means
// 64 for each slot, some four seconds.
func NewHasher(slots, queue int) *Hasher {
	if slots <= 0 {
		slots = max(1, runtime.GOMAXPROCS(0)-1)
	}
	if queue <= 0 {
		queue = 64 * slots
	}
	return &Hasher{
		slots: make(chan struct{}, slots), queue: int64(queue),
		cost: phc{memory: hashMemory, time: hashTime, threads: hashThreads},
	}
}

// do runs f in a slot.
func (h *Hasher) do(ctx context.Context, f func()) error {
	if h.waiting.Add(1) > h.queue+int64(cap(h.slots)) {
		h.waiting.Add(-1)
		return &fault.Error{
			Kind: fault.TooMany, RetryAfter: 2 * time.Second,
			Message: "Too many people are signing in at this moment. Try again in a few seconds.",
		}
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-h.slots }()
	f()
	h.done.Add(1)
	return nil
}

// fresh is room for a hash at today's cost.
func (h *Hasher) fresh() phc {
	p := h.cost
	p.salt, p.hash = make([]byte, saltLength), make([]byte, hashLength)
	return p
}

// Hash is the PHC string of a password at today's cost.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	p := h.fresh()
	_, _ = rand.Read(p.salt) // crypto/rand never fails
	err := h.do(ctx, func() { p.hash = p.derive(password) })
	return p.String(), err
}

// Verify reports whether password is the one that stored was made of, and
// whether stored should be made anew at today's cost. An empty or unreadable
// hash costs as much time as a wrong password and is never right.
//
// It also knows bcrypt, which people bring from elsewhere; that is always stale.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (ok, stale bool, err error) {
	if isBcrypt(stored) {
		err := h.do(ctx, func() { ok = fitsBcrypt(stored, password) })
		return ok, ok, err
	}
	p, bad := parsePHC(stored)
	if bad != nil {
		p = h.fresh()
	}
	var got []byte
	if err := h.do(ctx, func() { got = p.derive(password) }); err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, p.hash) == 1 && bad == nil
	stale = p.memory != h.cost.memory || p.time != h.cost.time || p.threads != h.cost.threads
	return ok, ok && stale, nil
}
