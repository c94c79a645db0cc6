# Writes OUTPUT, C++ source that holds the text files FILES (separated by "|") as string
# literals. Run at build time as: cmake -DOUTPUT=... -DFILES=... -P embed_files.cmake
string(REPLACE "|" ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  file(READ "${file}" content)
  string(APPEND entries "    {\"${name}\", R\"sr2l(${content})sr2l\"},\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"common/task/builtin_files.h\"

namespace sr2l {
namespace {

constexpr BuiltinFile kFiles[] = {
${entries}};

}  // namespace

absl::Span<const BuiltinFile> BuiltinFiles() { return kFiles; }

}  // namespace sr2l
")
