package mail

import (
	"slices"

	"gatehouse/internal/fault"
)

// Kind says what a mail is about. It is also the first part of the names of its
// templates.
type Kind string

// The kinds, with the keys of Message.Data that their words use. A key that is
// missing leaves its sentence out.
const (
	Invite      Kind = "invite"       // "by": who invites; "roles": what they will be. Link
	Confirm     Kind = "confirm"      // the address of a new account. Link
	Recover     Kind = "recover"      // a new password. Link
	EmailChange Kind = "email-change" // to the new address; "old": the one so far. Link
	MagicLink   Kind = "magic-link"   // sign-in without a password. Link
	Moved       Kind = "moved"        // the account was brought from elsewhere, without its password. Link

	// Notices need no answer; their Link, if any, leads to the account's page.
	NoticePassword Kind = "notice-password" // it was changed
	NoticeMethod   Kind = "notice-method"   // a way to sign in was added; "method": which
	NoticeEmail    Kind = "notice-email"    // to the old address; "new": the one from now on
	NoticeDisabled Kind = "notice-disabled" // the account was disabled; "by": by whom
	NoticeEnabled  Kind = "notice-enabled"  // it was enabled again; "by": by whom
	NoticeRoles    Kind = "notice-roles"    // "roles": what they are from now on, empty: none; "by": who changed them

	// ReviewWaits tells a publisher of a draft. "title": of the draft;
	// "collection": its collection; "by": whose it is. Link
	ReviewWaits Kind = "review-waits"

	Test Kind = "test" // the operator's own
)

// Kinds are all of them.
func Kinds() []Kind {
	return []Kind{
		Invite, Confirm, Recover, EmailChange, MagicLink, Moved,
		NoticePassword, NoticeMethod, NoticeEmail, NoticeDisabled, NoticeEnabled, NoticeRoles,
		ReviewWaits, Test,
	}
}

// needsLink reports whether a mail of that kind is worth nothing without one.
func (k Kind) needsLink() bool {
	return slices.Contains([]Kind{Invite, Confirm, Recover, EmailChange, MagicLink, Moved, ReviewWaits}, k)
}

// check refuses what a caller must not ask for.
func (m Message) check() error {
	switch {
	case !slices.Contains(Kinds(), m.Kind):
		return fault.New(fault.Invalid, "There is no mail of the kind %q.", m.Kind)
	case m.Link == "" && m.Kind.needsLink():
		return fault.New(fault.Invalid, "A mail of the kind %s needs a link.", m.Kind)
	case m.Link != "" && !isLink(m.Link):
		// The link is not repeated: there may be a token in it.
		return fault.New(fault.Invalid, "The link of a mail of the kind %s is no absolute http or https address.", m.Kind)
	}
	return nil
}
