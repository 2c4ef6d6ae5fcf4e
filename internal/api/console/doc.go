// Package console is the pages for people: signing in and out, choosing a site,
// one's own account, and the editor at admin/. They are rendered on the server
// and work without a script.
//
//	per site, and at the root of a server with several sites
//	  GET  login           the form; ?next= is where to go then, ?embed=1 is for our own dialog
//	  POST login           email, password, next
//	  GET  logout          a button
//	  POST logout
//	  GET  console/assets/ styles and scripts of these pages
//
//	at the root only
//	  GET  /               choose a site, when there are several
//	  GET  /console/       the account: sites, name, password, sessions
//	  POST /console/name, password, sessions/revoke, sessions/revoke-all
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
// A site's handlers do not know whether they are served at the root or below
// /s/{site}/, so every link to a page of theirs is relative. /console/ is always
// at the root.
package console
