package broker

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAPopupIsKnownWhereverItIsOpened(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]bool{
		"/broker/auth?provider=github&site_id=www&scope=repo": true,
		"/?site_id=&provider=github":                          true,
		"/x?provider=github":                                  false,
		"/x?site_id=www":                                      false,
		"/x?provider=%3Cb%3E&site_id=www":                     false,
		"/x?provider=github&site_id=%zz":                      false,
		"/x":                                                  false,
	} {
		if got := MeansPopup(httptest.NewRequest(http.MethodGet, target, http.NoBody)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if MeansPopup(httptest.NewRequest(http.MethodPost, "/x?provider=github&site_id=www", http.NoBody)) {
		t.Error("a POST opens no popup")
	}
}
