/* Ends one expansion of messages.def. Included many times, on purpose. */
#undef MESSAGE
#undef U8
#undef U16
#undef U32
#undef U64
#undef BOOL
#undef BYTES
#undef TEXT
#undef END
