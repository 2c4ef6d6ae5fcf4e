// Package content is the content of a site over HTTP: the CMS's own proxy
// protocol, with a few actions more for the admin page.
//
//	POST /api/v1               {"branch", "action", "params"} → the action's answer
//	GET  /api/v1/raw/{blob}    ?name=a.png → the bytes of a file, by blob id
//
// A request is answered in this order: who is calling (401), may they read the
// site (403), the body (413, 422), the branch it means (422), the action.
// Failures are {"error": text}; a conflict (409) also names its "paths".
//
// The protocol's actions:
//
//	info                                                    {repo, publish_modes, type}
//	entriesByFolder          folder extension depth         [entry]
//	entriesByFiles           files                          [entry]
//	getEntry                 path                           entry
//	unpublishedEntries                                      ["collection/slug"]
//	unpublishedEntry         id, or collection slug         draft; 404 when it is none, or null with optional: true
//	unpublishedEntryDataFile collection slug path           {data, base}
//	unpublishedEntryMediaFile collection slug path          media with content
//	persistEntry             dataFiles assets options       {message, bases}
//	updateUnpublishedEntryStatus collection slug newStatus  {message}
//	publishUnpublishedEntry  collection slug                {message}
//	deleteUnpublishedEntry   collection slug                {message}
//	getMedia                 mediaFolder                    [media with content]
//	getMediaFile             path                           media with content
//	persistMedia             asset options                  media with content
//	deleteFile, deleteFiles  path, paths; options           {message}
//	getDeployPreview         collection slug                {url, status} or null
//
// Ours, for clients that know them:
//
//	session                                                 {user, site, actions, roles}
//	entriesPage    folder extension depth page pageSize     {entries, page, pages, count}
//	drafts                                                  {drafts: [draft with texts]}
//	mediaList      folder                                   [media with url]
//
// An entry is {data, file: {path, label, id, author, updatedOn}, base}; data and
// id are null where there is no file. A draft is {collection, slug, status,
// updatedAt, pullRequestAuthor, diffs}. A base is the blob id of the version
// that the client now holds. It sends it back as dataFiles[].base when it saves,
// and a file that somebody else changed meanwhile is a conflict instead of a
// loss. For clients that send none the server remembers what it served.
//
// A url of a media file is relative to the site's root: "api/v1/raw/…".
package content
