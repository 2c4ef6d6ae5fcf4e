package git

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strconv"

	"gatehouse/internal/fault"
)

// format is how a repository names its objects.
type format struct {
	name string
	size int // bytes of a raw id
	new  func() hash.Hash
}

var (
	sha1Format   = format{"sha1", sha1.Size, sha1.New}
	sha256Format = format{"sha256", sha256.Size, sha256.New}
)

func formatNamed(name string) (format, error) {
	for _, f := range []format{sha1Format, sha256Format} {
		if f.name == name {
			return f, nil
		}
	}
	return format{}, fault.New(fault.Unsupported, "The repository names its objects by %q, which is not known here", name)
}

// zero is how git writes "no object".
func (f format) zero() ID {
	b := make([]byte, 2*f.size)
	for i := range b {
		b[i] = '0'
	}
	return ID(b)
}

// check refuses what is not a full object id.
func (f format) check(id ID) error {
	if len(id) != 2*f.size {
		return fault.New(fault.Invalid, "%.70q is not the full name of an object", string(id))
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return fault.New(fault.Invalid, "%.70q is not the full name of an object", string(id))
		}
	}
	return nil
}

// idOf is the id of an object.
func (f format) idOf(kind string, data []byte) ID {
	h := f.new()
	h.Write(header(kind, len(data)))
	h.Write(data)
	return ID(hex.EncodeToString(h.Sum(nil)))
}

// header is what comes before an object's content, in its hash and on disk.
func header(kind string, size int) []byte {
	b := append([]byte(kind), ' ')
	return append(strconv.AppendInt(b, int64(size), 10), 0)
}

// BlobID is the id that data has as a blob of this repository.
func (r *Repo) BlobID(data []byte) ID { return r.hash.idOf("blob", data) }
