package git

import (
	"container/list"
	"sync"
)

const (
	defaultCache  = 64 << 20 // bytes
	maxCached     = 1 << 20  // bytes of the largest value that is kept
	cacheOverhead = 200      // bytes that an entry costs beside its value, roughly
)

// cacheKey names a value: what it is, and the objects it was read from.
type cacheKey struct {
	kind byte
	id   ID
}

// The kinds of cached values. Objects never change, so nothing goes stale.
const (
	cachedBlob   = 'b' // []byte
	cachedTree   = 't' // []node
	cachedRoot   = 'r' // ID: the tree of a commit
	cachedCommit = 'c' // Commit
	cachedSize   = 's' // int64: a blob's length
	cachedBase   = 'm' // ID: the merge base of two commits, whose ids are the key
)

// cache keeps what was used last, up to a number of bytes.
type cache struct {
	mu    sync.Mutex
	max   int64
	used  int64
	items map[cacheKey]*list.Element
	order list.List // most recently used first
}

type cached struct {
	key   cacheKey
	value any
	size  int64
}

func (c *cache) get(kind byte, id ID) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.items[cacheKey{kind, id}]
	if !ok {
		return nil, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached).value, true
}

func (c *cache) put(kind byte, id ID, value any, size int) {
	if size > maxCached && kind == cachedBlob || int64(size) > c.max/4 || c.max <= 0 {
		return
	}
	item := &cached{cacheKey{kind, id}, value, int64(size) + cacheOverhead}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.items[item.key]; ok {
		return
	}
	c.items[item.key] = c.order.PushFront(item)
	for c.used += item.size; c.used > c.max; {
		last := c.order.Back()
		old := c.order.Remove(last).(*cached)
		delete(c.items, old.key)
		c.used -= old.size
	}
}

// objects is the repository's cache, sized on first use because CacheBytes is
// set after Open.
func (r *Repo) objects() *cache {
	r.once.Do(func() {
		r.cache.max = r.CacheBytes
		if r.cache.max == 0 {
			r.cache.max = defaultCache
		}
		r.cache.items = make(map[cacheKey]*list.Element)
	})
	return &r.cache
}
