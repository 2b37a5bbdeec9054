// Find the points of a face: landmarks MODEL.onnx MODEL.json PHOTO X1 Y1 X2 Y2
// The model is one for photographs, and the JSON what `mmpose-lite info MODEL.onnx --json` prints.

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <opencv2/imgcodecs.hpp>
#include <openvino/openvino.hpp>
#include <regex>

int main(int count, char** words) {
    if (count < 8) return std::puts("MODEL.onnx MODEL.json PHOTO X1 Y1 X2 Y2"), 2;
    float corners[4];
    for (int i = 0; i < 4; ++i) corners[i] = std::strtof(words[4 + i], nullptr);
    cv::Mat photo = cv::imread(words[3]);
    const ov::Shape shape{size_t(photo.rows), size_t(photo.cols), 3};
    ov::Core core;
    auto exact = ov::hint::inference_precision(ov::element::f32);
    auto request = core.compile_model(words[1], "CPU", exact).create_infer_request();
    request.set_tensor("image", ov::Tensor(ov::element::u8, shape, photo.data));
    request.set_tensor("boxes", ov::Tensor(ov::element::f32, {1, 4}, corners));
    request.infer();
    const float* points = request.get_tensor("points").data<float>();
    const float* scores = request.get_tensor("scores").data<float>();
    std::ifstream file(words[2]);
    std::string names{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    names.erase(0, names.find("\"points\": [") + 11).erase(names.find(']'));
    const std::regex quoted("\"([^\"]*)\"");
    for (std::sregex_iterator name(names.begin(), names.end(), quoted), end; name != end; ++name) {
        std::printf("%s %.2f %.2f %.3f\n", name->str(1).c_str(), points[0], points[1], *scores);
        points += 2, ++scores;
    }
}
