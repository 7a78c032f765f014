"""The blob store: files named by their sha256, visible only when whole and right.

root/
  blobs/sha256/ab/cd/<64 hex>   what is visible; read-only, its mtime is when somebody last stored or kept it
  uploads/<id>.part, .json      what has arrived, and what was announced; a part without its JSON dies at start
  quarantine/<64 hex>           what the scrub found corrupt
  scrub.json                    how far the scrub has come
"""
