// Package peers has the tests that need real servers of others, which are built
// from this module so that the program's has none of what they need. Everything
// listens on random ports of the loopback and ends with the test.
package peers
