// Package discovery fetches the keys of issuers: by OpenID Connect Discovery 1.0, or from where
// they are known to be.
//
// Whose URL it is that is fetched has chosen it from outside the cluster's walls, and the server
// stands within them. So every URL, that of the keys too, is of a host that is allowed; no
// redirect is followed, and no proxy is used that the environment names; what a name stands for
// is looked at when it is dialed, not before; what comes is bounded in size and time; and what
// was sent is not repeated in errors.
package discovery
