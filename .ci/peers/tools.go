//go:build tools

package peers

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
