#include "common/task/model_files.h"

#include <tinyxml2.h>

#include <filesystem>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "common/status/status_macros.h"

namespace sr2l {
namespace {

namespace fs = std::filesystem;

// Which <compiler> attribute names the folder that a reference is relative to.
enum class Folder { kModel, kMeshes, kTextures };

// A file="..." as it stands in the MJCF.
struct Reference {
  std::string file;
  Folder folder;
  std::string place;  // for messages: "robot.xml:12: <mesh>"
};

// Walks a model, its included files in the places where they are included.
class Collector {
 public:
  Collector(const std::string& model, FileReader read)
      : model_(model), model_folder_(fs::path(model).parent_path()), read_(read) {}

  absl::StatusOr<std::vector<v1::ModelFile>> Collect() {
    SR2L_ASSIGN_OR_RETURN(const std::string name, Resolve("", model_, "task.model"));
    SR2L_RETURN_IF_ERROR(AddXml(name, "task.model", {"mujoco"}));
    // Only now: a later <compiler> also rules over assets that come before it.
    for (const Reference& reference : references_) {
      const std::string file =
          strip_path_ ? fs::path(reference.file).filename().string() : reference.file;
      SR2L_ASSIGN_OR_RETURN(
          const std::string asset,
          Resolve(model_folder_ / FolderOf(reference.folder), file, reference.place));
      SR2L_RETURN_IF_ERROR(Add(asset, reference.place).status());
    }
    return std::move(files_);
  }

 private:
  // The name of `file` in `folder`, relative to the task's folder.
  absl::StatusOr<std::string> Resolve(const fs::path& folder, const std::string& file,
                                      const std::string& place) const {
    const fs::path path = (folder / file).lexically_normal();
    if (path.is_absolute()) {
      return absl::InvalidArgumentError(absl::StrCat(place, " refers to \"", path.string(),
                                                     "\": absolute paths are not allowed"));
    }
    if (path.empty() || !path.has_filename() || *path.begin() == "..") {
      return absl::InvalidArgumentError(
          absl::StrCat(place, " refers to \"", path.string(),
                       "\", which is not a file inside the task's folder"));
    }
    return path.string();
  }

  const fs::path& FolderOf(Folder folder) const {
    static const fs::path here;
    if (folder == Folder::kMeshes) return mesh_folder_;
    if (folder == Folder::kTextures) return texture_folder_;
    return here;
  }

  // Adds a file, unless it is there already; its content, or null if it was there.
  absl::StatusOr<const std::string*> Add(const std::string& name, const std::string& place) {
    if (!names_.insert(name).second) return nullptr;
    const std::string base = absl::AsciiStrToLower(fs::path(name).filename().string());
    if (!base_names_.insert(base).second) {
      return absl::InvalidArgumentError(absl::StrCat(
          place, " refers to \"", name, "\", but another file of the model is also called \"", base,
          "\": names must differ by more than folder and case"));
    }
    absl::StatusOr<std::string> content = read_(name);
    if (!content.ok()) {
      return absl::Status(
          content.status().code(),
          absl::StrCat(place, " refers to \"", name, "\": ", content.status().message()));
    }
    bytes_ += content->size();
    if (bytes_ > kMaxModelBytes) {
      return absl::InvalidArgumentError(absl::StrCat("the model's files may have at most ",
                                                     kMaxModelBytes >> 20, " MiB in all; \"", name,
                                                     "\" makes it more"));
    }
    v1::ModelFile& file = files_.emplace_back();
    file.set_name(name);
    file.set_content(*std::move(content));
    return &file.content();
  }

  absl::Status AddXml(const std::string& name, const std::string& place,
                      const std::set<absl::string_view>& roots) {
    SR2L_ASSIGN_OR_RETURN(const std::string* content, Add(name, place));
    if (content == nullptr) return absl::OkStatus();
    tinyxml2::XMLDocument document;
    if (document.Parse(content->data(), content->size()) != tinyxml2::XML_SUCCESS) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":", document.ErrorLineNum(),
                                                     ": not an XML file: ", document.ErrorName()));
    }
    const tinyxml2::XMLElement* root = document.RootElement();
    const absl::string_view tag = root->Name();
    if (roots.count(tag) == 0) {
      return absl::InvalidArgumentError(absl::StrCat(name, ":", root->GetLineNum(),
                                                     ": the root element must be ",
                                                     absl::StrJoin(roots, " or "), ", got ", tag));
    }
    return Visit(name, *root);
  }

  absl::Status Visit(const std::string& file, const tinyxml2::XMLElement& element) {
    const absl::string_view tag = element.Name();
    if (tag == "compiler") ReadCompiler(element);
    for (const auto* attribute = element.FirstAttribute(); attribute != nullptr;
         attribute = attribute->Next()) {
      // Cube textures name six files: fileright, fileleft, ...
      if (!absl::StartsWith(attribute->Name(), "file")) continue;
      const std::string place = absl::StrCat(file, ":", element.GetLineNum(), ": <", tag, ">");
      SR2L_RETURN_IF_ERROR(Follow(tag, attribute->Value(), place));
    }
    for (const auto* child = element.FirstChildElement(); child != nullptr;
         child = child->NextSiblingElement()) {
      SR2L_RETURN_IF_ERROR(Visit(file, *child));
    }
    return absl::OkStatus();
  }

  absl::Status Follow(absl::string_view tag, const std::string& file, const std::string& place) {
    if (tag == "include") {
      SR2L_ASSIGN_OR_RETURN(const std::string name, Resolve(model_folder_, file, place));
      return AddXml(name, place, {"mujoco", "mujocoinclude"});
    }
    if (tag == "texture") {
      references_.push_back({file, Folder::kTextures, place});
    } else if (tag == "mesh" || tag == "hfield" || tag == "skin" || tag == "flexcomp") {
      references_.push_back({file, Folder::kMeshes, place});
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          place, " refers to \"", file,
          "\"; files are allowed in include, mesh, texture, hfield, skin and flexcomp"));
    }
    return absl::OkStatus();
  }

  void ReadCompiler(const tinyxml2::XMLElement& element) {
    if (const char* folder = element.Attribute("assetdir")) {
      mesh_folder_ = texture_folder_ = folder;
    }
    if (const char* folder = element.Attribute("meshdir")) mesh_folder_ = folder;
    if (const char* folder = element.Attribute("texturedir")) texture_folder_ = folder;
    if (const char* strip = element.Attribute("strippath")) {
      strip_path_ = absl::string_view(strip) == "true";
    }
  }

  const std::string model_;
  const fs::path model_folder_;
  const FileReader read_;
  fs::path mesh_folder_;
  fs::path texture_folder_;
  bool strip_path_ = false;
  std::vector<Reference> references_;
  std::vector<v1::ModelFile> files_;
  std::set<std::string> names_;
  std::set<std::string> base_names_;
  size_t bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::vector<v1::ModelFile>> CollectModelFiles(const std::string& model,
                                                             FileReader read) {
  return Collector(model, read).Collect();
}

absl::StatusOr<std::vector<v1::ModelFile>> UsedModelFiles(const v1::TaskConfig& task) {
  const auto find = [&task](const std::string& name) -> absl::StatusOr<std::string> {
    for (const v1::ModelFile& file : task.files()) {
      if (file.name() == name) return file.content();
    }
    return absl::InvalidArgumentError("there is no such file in task.files");
  };
  return CollectModelFiles(task.model(), find);
}

std::string TaskNameOf(const std::string& model) {
  std::string name = fs::path(model).stem().string().substr(0, kMaxNameLength);
  for (char& c : name) {
    c = absl::ascii_isalnum(c) ? absl::ascii_tolower(c) : '_';
  }
  return name;
}

}  // namespace sr2l
