package callhooks

import "context"

// TokenSource returns the token to send now.
type TokenSource func(ctx context.Context) (string, error)

func fixedToken(token string) TokenSource {
	return func(context.Context) (string, error) { return token, nil }
}

// tokenCredentials sends the token in the header "authorization".
type tokenCredentials struct {
	tokens TokenSource
	secure bool
}

func (t tokenCredentials) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := t.tokens(ctx)
	if err != nil {
		return nil, err
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (t tokenCredentials) RequireTransportSecurity() bool {
	return t.secure
}
