/* Ends one expansion of options.def. Included many times, on purpose. */
#undef FLAG
#undef NUMBER
#undef SECONDS
#undef WORD
#undef CHOICE
#undef REST
#undef LIST
#undef REPEAT
#undef LINES
#undef NAMES
#undef SPECIAL
