// Tells the page that opened this sign-in dialog, and no other, that it is done.
if (window.parent !== window) window.parent.postMessage('gatehouse:signed-in', location.origin);
