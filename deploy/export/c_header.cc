#include "deploy/export/c_header.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"

namespace sr2l {
namespace {

// A number as a C constant of type float.
std::string FloatConstant(float number) {
  std::string text = absl::StrFormat("%.9g", number);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text + "f";
}

// "{a, b, ...}" over lines of at most 100 characters.
std::string Braced(const float* numbers, int count, const std::string& indent) {
  std::string text = "{";
  size_t width = indent.size() + 1;
  for (int i = 0; i < count; ++i) {
    const std::string number = FloatConstant(numbers[i]) + (i + 1 < count ? "," : "");
    if (i > 0 && width + number.size() + 1 > 99) {
      absl::StrAppend(&text, "\n", indent, " ");
      width = indent.size() + 1;
    } else if (i > 0) {
      text += " ";
      ++width;
    }
    text += number;
    width += number.size();
  }
  return text + "}";
}

std::string Vector(const std::string& name, const std::vector<float>& values) {
  const int count = static_cast<int>(values.size());
  return absl::StrCat("static const float ", name, "[", count, "] =\n    ",
                      Braced(values.data(), count, "    "), ";\n");
}

// [rows, columns], row by row.
std::string Matrix(const std::string& name, const std::vector<float>& values, int rows,
                   int columns) {
  std::string text = absl::StrCat("static const float ", name, "[", rows, "][", columns, "] = {\n");
  for (int row = 0; row < rows; ++row) {
    absl::StrAppend(&text, "    ",
                    Braced(values.data() + static_cast<size_t>(row) * columns, columns, "    "),
                    row + 1 < rows ? ",\n" : "};\n");
  }
  return text;
}

// Text from outside inside of a comment.
std::string InComment(absl::string_view text) {
  return absl::StrReplaceAll(text,
                             {{"*/", "* /"}, {"/*", "/ *"}, {"\n", " "}, {"\\", "/"}, {"?", "."}});
}

std::string Heading(const exported::Contract& contract, const std::string& name) {
  std::string text = absl::StrCat(
      "/* Policy for the task ", InComment(contract.task()), ", written by ",
      contract.exported_with(), ": member ", contract.member(), ", version ",
      contract.policy_version(), ".\n   Parameters: SHA-256 ", contract.parameters_sha256(),
      ".\n\n   Call ", name, "_act ", absl::StrFormat("%.6g", contract.control_rate_hz()),
      " times per second. It keeps no state.\n\n   observation, finite numbers:\n");
  for (const exported::Observation& term : contract.observation()) {
    for (int i = term.begin(); i < term.end(); ++i) {
      const exported::Coordinate& coordinate = term.coordinate(i - term.begin());
      absl::StrAppend(&text, "     [", i, "] ", absl::AsciiStrToLower(term.quantity()), " of ",
                      InComment(coordinate.name()), ", ", coordinate.unit(), "\n");
    }
  }
  text += "   action:\n";
  for (int i = 0; i < contract.action_size(); ++i) {
    const exported::Action& action = contract.action(i);
    absl::StrAppend(&text, "     [", i, "] ", InComment(action.name()), " in [", action.low(), ", ",
                    action.high(), "], times ", action.unit(), "\n");
  }
  return text + "*/\n";
}

std::string Constants(const ExportedPolicy& policy, const std::string& name) {
  std::string text;
  if (policy.is_normalized()) {
    text += Vector(name + "_mean", policy.mean) + Vector(name + "_scale", policy.scale);
  }
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    const ExportedPolicy::Layer& layer = policy.layers[i];
    text += Matrix(absl::StrCat(name, "_weight_", i), layer.weight, layer.inputs, layer.outputs);
    text += Vector(absl::StrCat(name, "_bias_", i), layer.bias);
  }
  return text + Vector(name + "_offset", policy.offset) +
         Vector(name + "_half_width", policy.half_width);
}

// output = activation(input * weight + bias).
std::string LayerCode(const ExportedPolicy::Layer& layer, const std::string& name, size_t number,
                      const std::string& input) {
  std::string value = "sum";
  if (layer.activation == v1::TANH) value = "tanhf(sum)";
  if (layer.activation == v1::RELU) value = "sum > 0.0f ? sum : 0.0f";
  return absl::StrCat("  for (j = 0; j < ", layer.outputs, "; ++j) {\n", "    float sum = 0.0f;\n",
                      "    for (i = 0; i < ", layer.inputs, "; ++i) sum += ", input, "[i] * ", name,
                      "_weight_", number, "[i][j];\n", "    sum += ", name, "_bias_", number,
                      "[j];\n", "    x", number + 1, "[j] = ", value, ";\n  }\n");
}

std::string Function(const ExportedPolicy& policy, const std::string& name) {
  std::string text =
      absl::StrCat("static inline float ", name, "_clip(float x, float limit) {\n",
                   "  return x < -limit ? -limit : x > limit ? limit : x;\n}\n\n",
                   "/* From observation[", policy.observation_dim(), "] to action[",
                   policy.action_dim(), "]; they must not overlap. */\n", "static inline void ",
                   name, "_act(const float *observation, float *action) {\n");
  std::string input = "observation";
  if (policy.is_normalized()) {
    absl::StrAppend(&text, "  float x0[", policy.observation_dim(), "];\n");
    input = "x0";
  }
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    absl::StrAppend(&text, "  float x", i + 1, "[", policy.layers[i].outputs, "];\n");
  }
  text += "  int i, j;\n";
  if (policy.is_normalized()) {
    absl::StrAppend(&text, "  for (i = 0; i < ", policy.observation_dim(),
                    "; ++i) {\n    x0[i] = ", name, "_clip((observation[i] - ", name,
                    "_mean[i]) * ", name, "_scale[i], ", FloatConstant(policy.clip), ");\n  }\n");
  }
  for (size_t i = 0; i < policy.layers.size(); ++i) {
    text += LayerCode(policy.layers[i], name, i, input);
    input = absl::StrCat("x", i + 1);
  }
  return absl::StrCat(text, "  for (j = 0; j < ", policy.action_dim(),
                      "; ++j) {\n    action[j] = ", name, "_offset[j] + ", name,
                      "_half_width[j] * ", name, "_clip(", input, "[j], 1.0f);\n  }\n}\n");
}

}  // namespace

std::string FormatCHeader(const ExportedPolicy& policy, const exported::Contract& contract,
                          const std::string& name) {
  const std::string guard = absl::AsciiStrToUpper(name) + "_H_";
  return absl::StrCat(Heading(contract, name), "#ifndef ", guard, "\n#define ", guard,
                      "\n\n#include <math.h>\n\nenum { ", name,
                      "_observations = ", policy.observation_dim(), ", ", name,
                      "_actions = ", policy.action_dim(), " };\n\n", Constants(policy, name), "\n",
                      Function(policy, name), "\n#endif\n");
}

std::string FormatCProgram(const std::string& name) {
  return absl::StrReplaceAll(R"c(#include <stdio.h>

#include "policy.h"

int main(int argc, char **argv) {
  float observation[NAME_observations];
  float action[NAME_actions];
  FILE *file = argc == 2 ? fopen(argv[1], "r") : NULL;
  int i = 0;
  if (file == NULL) return 1;
  while (fscanf(file, "%f", &observation[i]) == 1) {
    if (++i < NAME_observations) continue;
    i = 0;
    NAME_act(observation, action);
    for (int j = 0; j < NAME_actions; ++j) printf("%.9g ", (double)action[j]);
    printf("\n");
  }
  return fclose(file) == 0 ? 0 : 1;
}
)c",
                             {{"NAME", name}});
}

std::string CIdentifier(absl::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) c = '_';
  }
  // No number begins a name in C, and those with an underscore before them are not ours to give.
  if (name.empty() || name[0] == '_' || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) {
    name.insert(0, "policy_");
  }
  return name;
}

}  // namespace sr2l
