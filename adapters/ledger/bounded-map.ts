/** Sets an entry; beyond `sizeMax` the entry set first leaves. */
export function setBounded<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  map.set(key, value);
  if (map.size <= sizeMax) return;
  const oldest = map.keys().next();
  if (oldest.done !== true) map.delete(oldest.value);
}
