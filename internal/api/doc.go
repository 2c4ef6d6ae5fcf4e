// Package api is the HTTP kit that every door of Gatehouse shares: JSON, the
// path guard, request ids, the access log, security headers, limits, CORS and
// embedded files. It knows no site, no person and no protocol.
//
// What a request goes through, outermost first (package app puts it together):
//
//	RequestID → Log → Recover → SecurityHeaders → TrustProxies → Guard → SameOrigin → router
//
// The protocols are the packages below this one. Each has one function that
// renders a fault in its own error shape; Status gives them the code.
package api
