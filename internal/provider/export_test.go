package provider

import "time"

// SetPatience shortens the wait for a host that does not answer.
func (p *Provider) SetPatience(d time.Duration) { p.patience = d }
