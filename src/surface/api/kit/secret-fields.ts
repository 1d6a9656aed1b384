/** Fields of OMS's requests that hold secrets, or name who has them. */
export const secretFieldNames = [
  'src_ak',
  'src_sk',
  'src_security_token',
  'dst_ak',
  'dst_sk',
  'dst_security_token',
] as const;
