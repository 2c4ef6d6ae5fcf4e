// Package console is the pages for people: signing in and out, choosing a site,
// one's own account, and the editor at admin/. They are rendered on the server
// and work without a script.
//
//	per site, and at the root of a server with several sites
//	  GET  login           the form; ?next= is where to go then, ?embed=1 is for our own dialog
//	  POST login           email, password, next
//	  GET  logout          a button
//	  POST logout
//	  GET  invite, confirm, recover, email, magic
//	                       ?token= of a mail: what it is for, and a form; POST uses it.
//	                       recover and magic without one: asks for a mail
//	  GET  console/assets/ styles and scripts of these pages
//
//	at the root only
//	  GET  /               choose a site, when there are several
//	  GET  /console/       the account: sites, name, password, sessions
//	  POST /console/name, password, sessions/revoke, sessions/revoke-all
//
//	at the root only, for administrators of sites and operators; ?site= says whose
//	  GET  /console/people                  ?q=, &page=: who belongs there, and a form to invite
//	  POST /console/people/invite           addresses, role: says for each what became of it
//	  GET  /console/people/{id}             roles and account
//	  POST /console/people/{id}/roles, resend, disable, enable, sign-out, recover
//	  GET  /console/people/{id}/remove      asks; POST does it
//	  GET  /console/mails                   &status=: what was written lately
//	  POST /console/mails/{id}/resend, link
//
//	at the root only, for operators
//	  GET  /console/connectors                    the apps registered at Git hosts
//	  GET  /console/connectors/new                which host; with ?kind=, &url= and &name= the values
//	                                              to register there, and the form
//	  POST /console/connectors/new
//	  GET  /console/connectors/{name}             what there is; POST changes it
//	  GET  /console/connectors/{name}/remove      asks; POST does it
//	  POST /console/connectors/{name}/one-window  forgets that the host cut a popup off
//	  GET  /console/sign-ins                      ?site=, &kind=, &before=; or ?id=, an error id
//	  POST /console/sign-ins/end                  family
//
// Templates are written in English and ask for each text by {{t "…"}}, or by
// {{th "…"}} where there are tags in it; words/ has the other languages.
//
// A site's handlers do not know whether they are served at the root or below
// /s/{site}/, so every link to a page of theirs is relative. /console/ is always
// at the root.
package console
