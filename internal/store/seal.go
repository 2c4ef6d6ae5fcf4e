package store

import (
	"context"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/chacha20poly1305"

	"gatehouse/internal/fault"
)

// KeyFile is the name of the file beside the database that seals its secrets:
// one line, keyPrefix and 32 random bytes in base64.
const KeyFile = "secret.key"

const keyPrefix = "gatehouse-key-1:"

// canary is the setting that tells whether a key is the right one.
const canary = "canary"

// sealKey encrypts values at rest, with XChaCha20-Poly1305. The name of a value
// is authenticated with it, so that one sealed value cannot stand in for
// another.
type sealKey struct {
	id   string // says which key it is, and nothing about it
	aead cipher.AEAD
	line string // as in the key file
}

func newKey() sealKey {
	raw := make([]byte, chacha20poly1305.KeySize)
	_, _ = rand.Read(raw) // crypto/rand never fails
	k, err := keyOf(raw)
	if err != nil {
		panic(err) // the length is right by construction
	}
	return k
}

func keyOf(raw []byte) (sealKey, error) {
	aead, err := chacha20poly1305.NewX(raw)
	if err != nil {
		return sealKey{}, err
	}
	sum := sha256.Sum256(append([]byte("gatehouse key id\x00"), raw...))
	return sealKey{
		id:   hex.EncodeToString(sum[:4]),
		aead: aead,
		line: keyPrefix + base64.StdEncoding.EncodeToString(raw) + "\n",
	}, nil
}

// parseKey reads the contents of a key file.
func parseKey(line string) (sealKey, error) {
	text, ok := strings.CutPrefix(strings.TrimSpace(line), keyPrefix)
	if !ok {
		return sealKey{}, errors.New("its first words are not those of a key file")
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != chacha20poly1305.KeySize {
		return sealKey{}, errors.New("it is damaged") // the cause would quote the key
	}
	return keyOf(raw)
}

func (k sealKey) seal(name string, value []byte) string {
	nonce := make([]byte, k.aead.NonceSize())
	_, _ = rand.Read(nonce) // crypto/rand never fails
	return base64.StdEncoding.EncodeToString(k.aead.Seal(nonce, nonce, value, []byte(name)))
}

func (k sealKey) open(name, sealed string) ([]byte, error) {
	raw, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < k.aead.NonceSize() {
		return nil, fmt.Errorf("%s is damaged", name)
	}
	value, err := k.aead.Open(nil, raw[:k.aead.NonceSize()], raw[k.aead.NonceSize():], []byte(name))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged or was sealed with another key", name)
	}
	return value, nil
}

// sealText seals a column of a row. The name says which one of which row. The
// empty text stays empty, so that a query can tell that there is none.
func (s *Store) sealText(name, value string) string {
	if value == "" {
		return ""
	}
	return s.key.seal(name, []byte(value))
}

// openText is what sealText sealed.
func (s *Store) openText(name, sealed string) (string, error) {
	if sealed == "" {
		return "", nil
	}
	value, err := s.key.open(name, sealed)
	return string(value), failed(err)
}

// unlockKey reads the key file, or makes it for a database that has never had
// one, and proves that it is the key of this database. The caller holds the
// directory's lock.
func (s *Store) unlockKey(ctx context.Context, file, database string) error {
	row, err := s.sealed(ctx, canary)
	fresh := fault.Is(err, fault.NotFound)
	if err != nil && !fresh {
		return err
	}
	key, err := readKey(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) && fresh:
		key, err = makeKey(file)
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.Invalid, "The key file %s is missing. Secrets in %s are sealed with it (key %s): put it back from your backup. Without it, move the database away and begin anew.", file, database, row.keyID)
	}
	if err != nil {
		return err
	}
	s.key = key
	if fresh {
		_, err = s.SettingOnce(ctx, canary, []byte(canary))
		return err
	}
	if _, err := key.open(canary, row.value); err != nil || row.keyID != key.id {
		return fault.New(fault.Invalid, "The key file %s holds another key (%s) than the one that sealed %s (%s). Put the right file back.", file, key.id, database, row.keyID)
	}
	return nil
}

func readKey(file string) (sealKey, error) {
	info, err := os.Stat(file)
	if errors.Is(err, fs.ErrNotExist) {
		return sealKey{}, err
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		return sealKey{}, fault.New(fault.Invalid, "The key file %s may be read by others. Run: chmod 600 %s", file, file)
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return sealKey{}, fault.Wrap(fault.Invalid, err, "The key file %s cannot be read. Check that the user who runs gatehouse owns it.", file)
	}
	key, err := parseKey(string(text))
	return key, fault.Wrap(fault.Invalid, err, "The key file %s is not a key of gatehouse. Put the right file back from your backup.", file)
}

// makeKey writes a new key file. The key is on disk, under its own name, before
// anything is sealed with it.
func makeKey(file string) (sealKey, error) {
	key := newKey()
	err := writeSynced(file, key.line)
	return key, fault.Wrap(fault.Invalid, err, "The key file %s cannot be written. Check the permissions of its directory.", file)
}

func writeSynced(file, text string) error {
	f, err := os.CreateTemp(filepath.Dir(file), KeyFile+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
