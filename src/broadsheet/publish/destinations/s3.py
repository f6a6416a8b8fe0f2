"""Amazon S3, and what speaks its protocol: `s3://bucket/path`, through s3fs.

The credentials, the region and another endpoint come from the environment, as for every tool of
AWS: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_PROFILE.
"""

from __future__ import annotations

from broadsheet.errors import ConfigError, Problem
from broadsheet.publish.destinations import DestinationPlace
from broadsheet.publish.destinations._fsspec import FsspecDestination
from broadsheet.publish.outgoing import OutgoingFile


class S3Destination(FsspecDestination):
    """A folder of a bucket. S3 replaces an object in one step."""

    stores_headers = True

    def put(self, file: OutgoingFile, data: bytes) -> None:
        headers = {"ContentType": file.media_type, "CacheControl": file.cache}
        self.files.pipe_file(self.at(file.path), data, **headers)


def destination(place: DestinationPlace) -> S3Destination:
    """Return the folder at an address such as s3://bucket/path. Raises ConfigError."""
    from s3fs import S3FileSystem

    folder = place.address.partition("://")[2].strip("/")
    if not folder:
        raise ConfigError(Problem("no bucket", "write s3://bucket/path", key="publish.to"))
    files = S3FileSystem(use_listings_cache=False, skip_instance_cache=True)
    return S3Destination(files, folder)
